#define WIDE_BYTES 2 // used by the file that includes this
