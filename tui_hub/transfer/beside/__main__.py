"""The process that transfers. It ends when whoever started it is gone.

Its arguments are the number of its socket, and how many connections all transfers may have.
"""

import sys

if __name__ == "__main__":
    from tui_hub.transfer.beside.process import Process

    Process(int(sys.argv[1]), int(sys.argv[2])).run()
