/* SPDX-License-Identifier: Apache-2.0 */
/* Base64: RFC 4648 section 10 both ways, all lengths, and what is refused, in both alphabets. */
#include "cases.h"

#include "base/base64.h"

struct vector {
	const char *name; /* the text itself */
	const char *encoded;
};

static const struct vector vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"Aladdin:open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
    {"account1:s3cret", "YWNjb3VudDE6czNjcmV0"},
    {"\xFB\xEF\xBE\xFF", "++++/w=="},
};

static void test_vector(void **state)
{
	const struct vector *row = ROW_OF(state, struct vector);
	struct bytes plain = bytes_from_text(row->name), encoded = bytes_from_text(row->encoded);
	char text[64];
	uint8_t octets[64];
	size_t len;
	assert_int_equal(BASE64_LEN(plain.len), encoded.len);
	base64_encode(plain, text);
	assert_memory_equal(text, encoded.at, encoded.len);
	assert_int_equal(base64_decode(encoded, octets, &len), OK);
	assert_int_equal(len, plain.len);
	assert_memory_equal(octets, plain.at, plain.len);
}

static const struct vector url_vectors[] = {
    {"", ""},
    {"f", "Zg"},
    {"fo", "Zm8"},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg"},
    {"fooba", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy"},
    {"\xFB\xEF\xBE\xFF", "----_w"},
};

static void test_url_vector(void **state)
{
	const struct vector *row = ROW_OF(state, struct vector);
	struct bytes plain = bytes_from_text(row->name), encoded = bytes_from_text(row->encoded);
	char text[64];
	uint8_t octets[64];
	size_t len;
	assert_int_equal(BASE64URL_LEN(plain.len), encoded.len);
	base64url_encode(plain, text);
	assert_memory_equal(text, encoded.at, encoded.len);
	assert_int_equal(BASE64URL_DECODED_MAX(encoded.len), plain.len);
	assert_int_equal(base64url_decode(encoded, octets, &len), OK);
	assert_int_equal(len, plain.len);
	assert_memory_equal(octets, plain.at, plain.len);
}

struct refused {
	const char *name;
	struct bytes in;
};

static const struct refused refused[] = {
    {"padding missing, 2", BYTES("Zg")},
    {"padding missing, 1", BYTES("Zm8")},
    {"padding short", BYTES("Zg=")},
    {"one character", BYTES("Z")},
    {"padding long", BYTES("Zg===")},
    {"padding only", BYTES("====")},
    {"padding of three", BYTES("Z===")},
    {"two paddings", BYTES("==")},
    {"padding inside", BYTES("Zg==Zg==")},
    {"padding, then a digit", BYTES("Zg=a")},
    {"padding before", BYTES("=Zg=")},
    {"bits after 8", BYTES("Zh==")},
    {"all bits after 8", BYTES("Z/==")},
    {"bits after 16", BYTES("Zm9=")},
    {"space", BYTES("Zm 9")},
    {"newline at the end", BYTES("Zm9v\n")},
    {"newline inside", BYTES("Zm9v\r\nYg==")},
    {"the URL alphabet, -", BYTES("----")},
    {"the URL alphabet, _", BYTES("____")},
    {"NUL", BYTES("Zm9\0")},
    {"beyond ASCII", BYTES("Zm9\xC3")},
    {"before A", BYTES("@@@@")},
    {"after Z", BYTES("[[[[")},
    {"before a", BYTES("````")},
    {"after z", BYTES("{{{{")},
    {"after 9", BYTES("::::")},
    {"before 0, not /", BYTES("....")},
};

static void test_refused(void **state)
{
	const struct refused *row = ROW_OF(state, struct refused);
	uint8_t octets[64];
	size_t len;
	assert_int_equal(base64_decode(row->in, octets, &len), ERR_MALFORMED);
}

static const struct refused url_refused[] = {
    {"one character", BYTES("Z")},
    {"one character after a group", BYTES("Zm9vZ")},
    {"padding, 2", BYTES("Zg==")},
    {"padding, 1", BYTES("Zm8=")},
    {"bits after 8", BYTES("Zh")},
    {"all bits after 8", BYTES("Z_")},
    {"bits after 16", BYTES("Zm9")},
    {"the standard alphabet, +", BYTES("++++")},
    {"the standard alphabet, /", BYTES("////")},
    {"space", BYTES("Zm 9")},
    {"newline at the end", BYTES("Zm9v\n")},
    {"dot", BYTES("Zm9v.Zm9v")},
    {"NUL", BYTES("Zm8\0")},
    {"beyond ASCII", BYTES("Zm9\xC3")},
};

static void test_url_refused(void **state)
{
	const struct refused *row = ROW_OF(state, struct refused);
	uint8_t octets[64];
	size_t len;
	assert_int_equal(base64url_decode(row->in, octets, &len), ERR_MALFORMED);
}

/* Every length to 100, into blocks of exactly the size promised. */
static void test_all_lengths(void **state)
{
	(void)state;
	for (size_t len = 0; len <= 100; len++) {
		char *plain = malloc(len + 1), *text = malloc(BASE64_LEN(len) + 1);
		uint8_t *back = malloc(BASE64_DECODED_MAX(BASE64_LEN(len)) + 1);
		size_t back_len;
		assert_true(plain && text && back);
		for (size_t i = 0; i < len; i++)
			plain[i] = (char)(i * 167 + len * 13);
		text[BASE64_LEN(len)] = '!';
		back[BASE64_DECODED_MAX(BASE64_LEN(len))] = '!';
		base64_encode((struct bytes){plain, len}, text);
		assert_int_equal(text[BASE64_LEN(len)], '!');
		assert_int_equal(
		    base64_decode((struct bytes){text, BASE64_LEN(len)}, back, &back_len), OK);
		assert_int_equal(back[BASE64_DECODED_MAX(BASE64_LEN(len))], '!');
		assert_int_equal(back_len, len);
		assert_memory_equal(back, plain, len);
		/* One character is never a document. */
		if (len)
			assert_int_equal(base64_decode((struct bytes){text, BASE64_LEN(len) - 1},
			                               back, &back_len),
			                 ERR_MALFORMED);
		free(plain);
		free(text);
		free(back);
	}
}

static void test_url_all_lengths(void **state)
{
	(void)state;
	for (size_t len = 0; len <= 100; len++) {
		size_t text_len = BASE64URL_LEN(len), back_len;
		char *plain = malloc(len + 1), *text = malloc(text_len + 1);
		uint8_t *back = malloc(BASE64URL_DECODED_MAX(text_len) + 1);
		assert_true(plain && text && back);
		for (size_t i = 0; i < len; i++)
			plain[i] = (char)(i * 211 + len * 7);
		text[text_len] = '!';
		back[BASE64URL_DECODED_MAX(text_len)] = '!';
		base64url_encode((struct bytes){plain, len}, text);
		assert_int_equal(text[text_len], '!');
		assert_int_equal(base64url_decode((struct bytes){text, text_len}, back, &back_len),
		                 OK);
		assert_int_equal(back[BASE64URL_DECODED_MAX(text_len)], '!');
		assert_int_equal(back_len, len);
		assert_memory_equal(back, plain, len);
		free(plain);
		free(text);
		free(back);
	}
}

/* Each text that decodes is the one its octets encode to: no two spellings of one secret. */
static void test_one_spelling(void **state)
{
	(void)state;
	static const char alphabet[] = "ABYZabyz0189+/=-_ ";
	size_t n = sizeof(alphabet) - 1, accepted = 0;
	for (size_t i = 0; i < n * n * n * n; i++) {
		char text[4] = {alphabet[i % n], alphabet[i / n % n], alphabet[i / n / n % n],
		                alphabet[i / n / n / n]};
		char again[4];
		uint8_t octets[3];
		size_t len;
		if (base64_decode((struct bytes){text, 4}, octets, &len))
			continue;
		accepted++;
		base64_encode((struct bytes){(const char *)octets, len}, again);
		assert_int_equal(BASE64_LEN(len), 4);
		assert_memory_equal(text, again, 4);
	}
	assert_true(accepted > 14 * 14 * 14 * 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all_lengths),
	    cmocka_unit_test(test_one_spelling),
	    cmocka_unit_test(test_url_all_lengths),
	};
	static struct cases cases;
	CASES_ADD(&cases, tests);
	CASES_ADD_ROWS(&cases, "vector", vectors, test_vector);
	CASES_ADD_ROWS(&cases, "refused", refused, test_refused);
	CASES_ADD_ROWS(&cases, "url vector", url_vectors, test_url_vector);
	CASES_ADD_ROWS(&cases, "url refused", url_refused, test_url_refused);
	return cases_run("base64", &cases);
}
