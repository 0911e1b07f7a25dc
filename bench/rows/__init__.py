"""The rows of the benchmark, in the order in which they run. A row is a module with

NAME, ABOUT             as --row and --help have it
run(lab, args)          -> a list of cells, each a dictionary that becomes JSON; "met" is True, False, or None without a
                           target. Prints its table while it goes on.
"""
from . import clients, logins, many, memory, servers

ROWS = {row.NAME: row for row in (clients, servers, logins, memory, many)}
