/* Arithmetic on numbers of more than 64 bits, for generated parsers that multiply, divide or shift such.
 *
 * A number is `n` words (a constant), the least significant first; the caller cuts results to their width.  The result
 * never overlaps an operand.  There are no branches on values where they can be avoided: the XDP verifier would follow
 * each way.
 */
#ifndef OVSP4_WIDE_H
#define OVSP4_WIDE_H

#define WIDE_WORDS_MAX 32

/* All ones if the condition holds. */
static __always_inline __u64 wide_if(__u64 condition)
{
	return 0 - (__u64)(condition != 0);
}

/* The carry out of a + b + carry, which gave `sum`, and the borrow out of a - b - borrow, which gave `difference`. */
static __always_inline __u64 wide_carry(__u64 a, __u64 b, __u64 sum)
{
	return ((a & b) | ((a | b) & ~sum)) >> 63;
}

static __always_inline __u64 wide_borrow(__u64 a, __u64 b, __u64 difference)
{
	return ((~a & b) | ((~a | b) & difference)) >> 63;
}

/* The upper half of a product. */
static __always_inline __u64 wide_mul_high(__u64 a, __u64 b)
{
	__u64 al = (__u32)a, ah = a >> 32, bl = (__u32)b, bh = b >> 32;
	__u64 middle = (al * bl >> 32) + (__u32)(al * bh) + (__u32)(ah * bl);

	return ah * bh + (al * bh >> 32) + (ah * bl >> 32) + (middle >> 32);
}

static __always_inline void wide_mul(__u64 *product, const __u64 *a, const __u64 *b, __u32 n)
{
	__u64 carry, low, high, sum;
	__u32 i, j;

	UNROLL
	for (i = 0; i < n; i++)
		product[i] = 0;
	UNROLL
	for (i = 0; i < n; i++) {
		carry = 0;
		UNROLL
		for (j = 0; j < n - i; j++) {
			low = a[i] * b[j];
			high = wide_mul_high(a[i], b[j]);
			sum = product[i + j] + low;
			high += wide_carry(product[i + j], low, sum);
			product[i + j] = sum + carry;
			carry = high + wide_carry(sum, carry, product[i + j]);
		}
	}
}

/* Shift left by any amount. */
static __always_inline void wide_shl(__u64 *result, const __u64 *a, __u64 amount, __u32 n)
{
	__u64 words = amount / 64, bits = amount % 64;
	__u32 i, j;

	UNROLL
	for (i = 0; i < n; i++) {
		result[i] = 0;
		UNROLL
		for (j = 0; j <= i; j++) {
			result[i] |= (a[j] << bits) & wide_if(words == i - j);
			result[i] |= (a[j] >> 1 >> (63 - bits)) & wide_if(words + 1 == i - j);
		}
	}
}

/* Shift right by any amount; `fill` is what comes in, zeros or ones. */
static __always_inline void wide_shr(__u64 *result, const __u64 *a, __u64 amount, __u64 fill, __u32 n)
{
	__u64 words = amount / 64, bits = amount % 64, low, high;
	__u32 i, j;

	UNROLL
	for (i = 0; i < n; i++) {
		low = high = fill; /* the two words that this one is made of */
		UNROLL
		for (j = i; j < n; j++) {
			low = (a[j] & wide_if(words == j - i)) | (low & ~wide_if(words == j - i));
			high = (a[j] & wide_if(words + 1 == j - i)) | (high & ~wide_if(words + 1 == j - i));
		}
		result[i] = low >> bits | high << 1 << (63 - bits);
	}
}

/* Divide numbers of `width` bits; by zero gives zero twice. */
static __always_inline void wide_divide(__u64 *quotient, __u64 *remainder, const __u64 *a, const __u64 *b, __u32 width,
					__u32 n)
{
	__u64 difference[WIDE_WORDS_MAX], borrow, over, top, any = 0;
	__u32 i, k;

	/* The dividend, at the upper end; as its bits go out there, the quotient's come in below. */
	wide_shl(quotient, a, n * 64 - width, n);
	UNROLL
	for (i = 0; i < n; i++) {
		remainder[i] = 0;
		any |= b[i];
	}
	for (k = 0; k < width; k++) {
		top = quotient[n - 1] >> 63;
		over = remainder[n - 1] >> 63;
		UNROLL
		for (i = n - 1; i > 0; i--) {
			quotient[i] = quotient[i] << 1 | quotient[i - 1] >> 63;
			remainder[i] = remainder[i] << 1 | remainder[i - 1] >> 63;
		}
		quotient[0] <<= 1;
		remainder[0] = remainder[0] << 1 | top;
		borrow = 0;
		UNROLL
		for (i = 0; i < n; i++) {
			difference[i] = remainder[i] - b[i] - borrow;
			borrow = wide_borrow(remainder[i], b[i], difference[i]);
		}
		over |= borrow ^ 1;
		/* Newer clangs would make the choice below a branch, and the verifier would follow both each round. */
		asm volatile("" : "+r"(over));
		quotient[0] |= over;
		UNROLL
		for (i = 0; i < n; i++)
			remainder[i] = (difference[i] & (0 - over)) | (remainder[i] & (over - 1));
	}
	UNROLL
	for (i = 0; i < n; i++) {
		quotient[i] &= wide_if(any);
		remainder[i] &= wide_if(any);
	}
}

#endif
