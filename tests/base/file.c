/*
 * Files appear whole or not at all, whatever happens while they are written.
 */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"

static char folder[64], path[96], link_path[96];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/octavo-file-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(path, sizeof path, "%s/out", folder);
    snprintf(link_path, sizeof link_path, "%s/link", folder);
    return 0;
}

/* Removes what is left and counts it: names besides "out" and "link" are left-over temporary files. */
static int count_strays(bool remove)
{
    char name[512];
    int strays = 0;
    DIR *list = opendir(folder);
    for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        strays += strcmp(entry->d_name, "out") != 0 && strcmp(entry->d_name, "link") != 0;
        snprintf(name, sizeof name, "%s/%s", folder, entry->d_name);
        if (remove)
            unlink(name);
    }
    if (list != NULL)
        closedir(list);
    return strays;
}

static int remove_folder(void **state)
{
    (void)state;
    int strays = count_strays(true);
    return rmdir(folder) != 0 || strays != 0;
}

static void save(const char *text)
{
    oct_error err = { 0 };
    if (oct_file_save(path, text, strlen(text), &err) != OCT_OK)
        fail_msg("%s", err.text);
}

static void assert_content(const char *text)
{
    char bytes[64] = "";
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t got = fread(bytes, 1, sizeof bytes - 1, file);
    fclose(file);
    assert_int_equal(got, strlen(text));
    assert_string_equal(bytes, text);
}

static void test_save_and_replace(void **state)
{
    (void)state;
    struct stat info;
    mode_t mask = umask(027);
    save("first");
    umask(mask);
    assert_content("first");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    save("second, longer");
    assert_content("second, longer");
    save("");
    assert_content("");
}

static void test_abandon_keeps_the_old(void **state)
{
    (void)state;
    oct_file file = { 0 };
    oct_error err = { 0 };
    oct_file_abandon(&file);
    save("old");
    assert_int_equal(oct_file_begin(&file, path, &err), OCT_OK);
    assert_int_equal(oct_file_write(&file, "new", 3, &err), OCT_OK);
    assert_int_equal(oct_file_flush(&file, &err), OCT_OK);
    assert_content("old");
    oct_file_abandon(&file);
    assert_content("old");
    assert_int_equal(count_strays(false), 0);
}

/* A process killed in the middle leaves the old file, and its own under another name. */
static void test_kill_keeps_the_old(void **state)
{
    (void)state;
    save("old");
    pid_t child = fork();
    if (child == 0) {
        oct_file file;
        if (oct_file_begin(&file, path, NULL) == OCT_OK &&
            oct_file_write(&file, "new", 3, NULL) == OCT_OK &&
            oct_file_flush(&file, NULL) == OCT_OK)
            raise(SIGKILL);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_content("old");
    assert_int_equal(count_strays(false), 1);
    char left[128];
    snprintf(left, sizeof left, "rm %s.*", path);
    assert_int_equal(system(left), 0);
}

static void test_link_is_followed(void **state)
{
    (void)state;
    oct_error err = { 0 };
    struct stat info;
    save("old");
    assert_int_equal(symlink(path, link_path), 0);
    assert_int_equal(oct_file_save(link_path, "new", 3, &err), OCT_OK);
    assert_content("new");
    assert_int_equal(lstat(link_path, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
}

static void test_devices(void **state)
{
    (void)state;
    oct_error err = { 0 };
    struct stat info;
    assert_int_equal(oct_file_save("/dev/null", "bytes", 5, &err), OCT_OK);
    assert_int_equal(stat("/dev/null", &info), 0);
    assert_true(S_ISCHR(info.st_mode)); /* still the device */
    assert_int_equal(oct_file_save("/dev/full", "bytes", 5, &err), OCT_E_SYSTEM);
    assert_string_equal(err.text, "/dev/full: cannot write: No space left on device");
}

static void test_refusals(void **state)
{
    (void)state;
    oct_error err = { 0 };
    char inside[128], expected[256];
    assert_int_equal(oct_file_save(folder, "x", 1, &err), OCT_E_SYSTEM);
    snprintf(expected, sizeof expected, "%s: cannot create: it is a folder", folder);
    assert_string_equal(err.text, expected);
    snprintf(inside, sizeof inside, "%s/missing/out", folder);
    assert_int_equal(oct_file_save(inside, "x", 1, &err), OCT_E_SYSTEM);
    snprintf(expected, sizeof expected, "%s: cannot create: No such file or directory", inside);
    assert_string_equal(err.text, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_save_and_replace, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_abandon_keeps_the_old, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_kill_keeps_the_old, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_link_is_followed, make_folder, remove_folder),
        cmocka_unit_test(test_devices),
        cmocka_unit_test_setup_teardown(test_refusals, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
