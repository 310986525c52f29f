/*
 * The journal: what is written is there again, a torn record is dropped, and a file of other work or
 * of no journal at all is left alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "eval/journal.h"

static const char *const path = OCT_WORK_DIR "/journal";
static const char key[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

enum { SAMPLES = 10, RECORD = 24 };

static void record_of(int64_t sample, char record[RECORD])
{
    memset(record, (int)('a' + sample), RECORD);
}

static oct_journal *open_journal(void)
{
    oct_journal *journal = NULL;
    oct_error err = { 0 };
    if (oct_journal_open(path, key, RECORD, SAMPLES, &journal, &err) != OCT_OK)
        fail_msg("%s", err.text);
    return journal;
}

static void write_some(void)
{
    char record[RECORD];
    unlink(path);
    oct_journal *journal = open_journal();
    for (int64_t sample = 1; sample < SAMPLES; sample += 3) {
        assert_false(oct_journal_take(journal, sample, record));
        record_of(sample, record);
        assert_int_equal(oct_journal_add(journal, sample, record, NULL), OCT_OK);
    }
    oct_journal_close(journal, false);
}

static void expect_some(int64_t last)
{
    char record[RECORD], want[RECORD];
    oct_journal *journal = open_journal();
    for (int64_t sample = 0; sample < SAMPLES; sample++) {
        bool there = sample % 3 == 1 && sample <= last;
        record_of(sample, want);
        assert_int_equal(oct_journal_take(journal, sample, record), there);
        assert_true(!there || memcmp(record, want, RECORD) == 0);
    }
    oct_journal_close(journal, false);
}

static void test_goes_on(void **unused)
{
    (void)unused;
    write_some();
    expect_some(7);
    oct_journal_close(open_journal(), true);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void test_torn(void **unused)
{
    (void)unused;
    write_some();
    assert_int_equal(truncate(path, 128 + 3 * (RECORD + 8) - 5), 0);
    expect_some(4);
    expect_some(4); /* what was torn is gone from the file too */
    unlink(path);
}

static void expect_refusal(const char *work, size_t record, oct_status status, const char *words)
{
    oct_journal *journal = NULL;
    oct_error err = { 0 };
    assert_int_equal(oct_journal_open(path, work, record, SAMPLES, &journal, &err), status);
    assert_null(journal);
    if (strstr(err.text, words) == NULL)
        fail_msg("%s", err.text);
}

static void test_refusals(void **unused)
{
    (void)unused;
    char other[65];
    memcpy(other, key, sizeof other);
    other[63] = 'x';
    write_some();
    expect_refusal(other, RECORD, OCT_E_USAGE, "belongs to other models, data or options");
    expect_refusal(key, RECORD + 8, OCT_E_USAGE, "belongs to other models, data or options");
    expect_some(7);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    const int64_t number = SAMPLES + 1;
    fseek(file, 128, SEEK_SET);
    fwrite(&number, sizeof number, 1, file);
    fclose(file);
    expect_refusal(key, RECORD, OCT_E_INVALID, "record 0 is damaged");
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("a letter to a friend", file);
    fclose(file);
    expect_refusal(key, RECORD, OCT_E_INVALID, "not a journal");
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goes_on),
        cmocka_unit_test(test_torn),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
