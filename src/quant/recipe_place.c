/*
 * Where something stands in a recipe.
 *
 * jansson tells lines and columns of faults in the syntax only. What is found wrong later is looked for
 * again in the text, which is known to be sound JSON by then, so that a walk needs no checks.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "quant/recipe.h"

static size_t skip_space(const char *text, size_t at)
{
    return at + strspn(text + at, " \t\r\n");
}

/* Behind a string that begins at `at`. */
static size_t skip_string(const char *text, size_t at)
{
    for (at++; text[at] != '"'; at++)
        at += text[at] == '\\';
    return at + 1;
}

/* Behind a value of any kind: brackets outside of strings balance. */
static size_t skip_value(const char *text, size_t at)
{
    int depth = 0;
    if (text[at] == '"')
        return skip_string(text, at);
    if (text[at] != '{' && text[at] != '[')
        return at + strcspn(text + at, ",]} \t\r\n");
    do {
        depth += text[at] == '{' || text[at] == '[';
        depth -= text[at] == '}' || text[at] == ']';
        at = text[at] == '"' ? skip_string(text, at) : at + 1;
    } while (depth > 0);
    return at;
}

size_t oct_json_member(const char *text, size_t at, const char *key)
{
    size_t length = strlen(key), here = skip_space(text, at + 1);
    while (text[here] == '"') {
        size_t end = skip_string(text, here);
        size_t value = skip_space(text, skip_space(text, end) + 1);
        if (end - here == length + 2 && memcmp(text + here + 1, key, length) == 0)
            return value;
        here = skip_space(text, skip_value(text, value));
        here = text[here] == ',' ? skip_space(text, here + 1) : here;
    }
    return at;
}

size_t oct_json_element(const char *text, size_t at, size_t index)
{
    size_t here = skip_space(text, at + 1);
    for (size_t i = 0; i < index; i++) {
        here = skip_space(text, skip_value(text, here));
        here = skip_space(text, here + 1);
    }
    return here;
}

int32_t oct_recipe_line(const oct_recipe *recipe, size_t at)
{
    int32_t line = 1;
    for (size_t i = 0; i < at && i < recipe->size; i++)
        line += recipe->text[i] == '\n';
    return line;
}

oct_status oct_recipe_fail(const oct_recipe *recipe, size_t at, oct_status status, oct_error *err,
    const char *format, ...)
{
    char sentence[400];
    size_t begin = at;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    while (begin > 0 && recipe->text[begin - 1] != '\n')
        begin--;
    return oct_fail(err, status, "%s:%d:%zu: %s", recipe->name, (int)oct_recipe_line(recipe, at),
        at - begin + 1, sentence);
}
