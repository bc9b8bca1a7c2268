"""A program that puts a model into its slot and is killed on the way."""

from __future__ import annotations

import textwrap

SWITCHER = textwrap.dedent(
    """
    import asyncio, functools, os, signal, sys
    from tui_hub.database.slots import SlotTable, SwapTable
    from tui_hub.domain.fit import Device
    from tui_hub.runtime.children import Child
    from tui_hub.runtime.ollama import OllamaMemory
    from tui_hub.runtime.server_children import ServerChild
    from tui_hub.runtime.torch_children import TorchChild
    from tui_hub.services import open_services
    from tui_hub.services.holders import children
    from tui_hub.services.holders import memory
    from tui_hub.services.slots import swap
    from tui_hub.services.holders import torch_holder
    from tui_hub.settings import load_configuration

    model, doomed, room = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    steps = []

    def mortal(owner, name):
        whole = getattr(owner, name)

        @functools.wraps(whole)
        def step(*arguments, **more):
            if len(steps) == doomed:
                print("killed before", name, flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
            steps.append(name)
            return whole(*arguments, **more)

        setattr(owner, name, step)

    for owner, name in (
        (TorchChild, "load"), (Child, "keep"), (Child, "close"), (ServerChild, "serve"),
        (OllamaMemory, "load"), (OllamaMemory, "unload"),
        (SwapTable, "begin"), (SwapTable, "commit"), (SwapTable, "end"),
        (children.Children, "end"), (children.Children, "park"), (swap, "point_to"),
    ):
        mortal(owner, name)

    async def scarce():
        return (Device(index=None, name="host memory", total=2**40, free=2_700_000),)

    async def main():
        async with open_services(load_configuration()) as services:
            if room == "parked":
                torch_holder.on_gpu = lambda slot: True
                torch_holder._PARKING_SHARE = 1e9
            if room != "both":
                memory.HOST_RUNTIME = 0
                services.activation._memory.devices = scarce
            result = await services.activation.switch(model)
            print(result.status, *steps, flush=True)

    asyncio.run(main())
    """
)
