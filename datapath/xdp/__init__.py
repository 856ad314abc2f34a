"""The XDP engine: one program per P4 program, read by the kernel for every packet (main.c, maps.h), and its loader."""
