/*
 * Pictures decode to the pixels they were made of; what is no image has none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "eval/image.h"
#include "report/picture.h"

static const char *const npy = OCT_WORK_DIR "/picture.npy", *const png = OCT_WORK_DIR "/picture.png";

static char *picture_of(
    const unsigned char *pixels, const char *type, int64_t h, int64_t w, int64_t c)
{
    const int64_t dims[] = { 1, h, w, c };
    oct_data *data = NULL;
    assert_int_equal(oct_npy_write(npy, type, 4, dims, pixels, NULL), OCT_OK);
    assert_int_equal(oct_data_open(npy, &data, NULL), OCT_OK);
    char *uri = oct_picture(data, 0);
    oct_data_free(data);
    unlink(npy);
    return uri;
}

static int digit(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
                                  : 63;
}

static void decode(const char *uri, oct_image *image)
{
    const char *text = strchr(uri, ',') + 1;
    size_t length = strlen(text), size = 0;
    unsigned char *bytes = malloc(length);
    assert_non_null(bytes);
    assert_int_equal(length % 4, 0);
    for (size_t i = 0; i < length; i += 4) {
        int v = digit(text[i]) << 18 | digit(text[i + 1]) << 12 |
                (text[i + 2] == '=' ? 0 : digit(text[i + 2])) << 6 |
                (text[i + 3] == '=' ? 0 : digit(text[i + 3]));
        for (int k = 0; k < 3 && text[i + 1 + (size_t)k] != '='; k++)
            bytes[size++] = (unsigned char)(v >> (16 - 8 * k));
    }
    assert_int_equal(oct_file_save(png, bytes, size, NULL), OCT_OK);
    free(bytes);
    assert_int_equal(oct_image_read(png, image, NULL), OCT_OK);
    unlink(png);
}

static void test_pixels_come_back(void **unused)
{
    (void)unused;
    unsigned char pixels[200 * 100 * 3];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)(i * i >> 3);
    for (int c = 1; c <= 3; c += 2) {
        for (int w = 1; w < 9; w++) { /* all paddings of base64 */
            char *uri = picture_of(pixels, "uint8", 7, w, c);
            oct_image image;
            assert_non_null(uri);
            decode(uri, &image);
            assert_int_equal(image.h, 7);
            assert_int_equal(image.w, w);
            assert_int_equal(image.c, c);
            assert_memory_equal(image.pixels, pixels, (size_t)(7 * w * c));
            free(image.pixels);
            free(uri);
        }
    }
    char *uri = picture_of(pixels, "uint8", 200, 100, 3);
    oct_image image;
    decode(uri, &image);
    assert_int_equal(image.h, 64);
    assert_int_equal(image.w, 32);
    free(image.pixels);
    free(uri);
    assert_null(picture_of(pixels, "float32", 7, 5, 3));
    assert_null(picture_of(pixels, "uint8", 7, 5, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_pixels_come_back) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
