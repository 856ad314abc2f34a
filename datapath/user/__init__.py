"""The user engine: AF_XDP sockets and a C thread that forwards; ``engine.h`` says how the C hangs together."""
