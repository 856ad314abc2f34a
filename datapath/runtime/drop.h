/* Why a packet is dropped: one reason each, counted once, in the same words for C and for Python (which reads the
 * table below, so keep one X() a line). */
#ifndef OVSP4_DROP_H
#define OVSP4_DROP_H

/* clang-format off */
#define DROP_REASONS(X) \
	X(NONE, "not dropped") \
	X(PARSER_REJECT, "the parser rejected it; counted by parser error too") \
	X(NO_ACTION, "its flow has no actions") \
	X(MISS, "no flow, and the slow path gave none") \
	X(UPCALL_FULL, "no room on the way to userspace") \
	X(TTL, "time to live exceeded") \
	X(BAD_PORT, "output to a port that does not exist or is down") \
	X(TX_FULL, "the output port's queue is full") \
	X(NO_BUFFER, "no free buffer") \
	X(TOO_LONG, "longer than 11,520 bytes (before Linux 6.6: 3,840)") \
	X(BAD_ACTION, "an action does not fit the packet") \
	X(UNKNOWN_PORT, "came from an interface that is no port")
/* clang-format on */

enum drop_reason {
#define DROP_ENUM(name, text) DROP_##name,
	DROP_REASONS(DROP_ENUM)
#undef DROP_ENUM
	    DROP_N
};

#endif
