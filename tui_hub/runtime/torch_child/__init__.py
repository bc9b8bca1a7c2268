"""The process that owns a model's weights, run as a program by whichever Python has torch.

It needs the standard library and torch, nothing of `tui_hub`, and Python 3.9: so its modules
name each other relatively alone. One process holds one model, so that ending it gives back every
byte, on a GPU too, and no fault in it goes further.

Arguments: the name of its socket in the working directory, and the descriptor of the socket that
leads to whoever started it. Over both it speaks lines of JSON:

    it says first  {"hello": {"protocol": 1, "pid": 7}}, before torch is imported
    is asked       {"id": 1, "command": "ready" | "devices" | "load" | "attach" |
                   "release" | "park" | "unpark" | "status" | "keep" | "end", ...}
    answers        {"id": 1, "progress": {"phase": "load", "done": 5, "total": 9}}, any number
                   {"id": 1, "result": {...}}, or {"id": 1, "error": {"kind", "message", ...}}

Until it is told `keep` it ends when its starter goes away, so that no orphan holds memory.
"""
