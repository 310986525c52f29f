/*
 * Patterns of layers' names: extended POSIX expressions, found anywhere in a name.
 *
 * Back references and large repetitions are refused before the library sees them: with those, matching
 * or compiling can take any time and memory.
 */
#include <stdlib.h>
#include <string.h>

#include "quant/recipe.h"

enum { MOST_CHARACTERS = 1000, MOST_REPEATS = 100 };

/* Why a pattern is refused; NULL: it is not. */
static const char *refuse(const char *pattern)
{
    long repeats = 1;
    if (strlen(pattern) > MOST_CHARACTERS)
        return "is longer than 1000 characters";
    for (const char *p = pattern; *p != '\0'; p++) {
        if (p[0] == '\\' && p[1] >= '0' && p[1] <= '9')
            return "refers back to a group";
        if (p[0] == '\\' && (p[1] == 'd' || p[1] == 'D'))
            return "has \\d, which POSIX writes [0-9]";
        if (p[0] == '(' && p[1] == '?')
            return "has (?, which POSIX expressions do not know";
        if (strchr("*+?}", p[0]) != NULL && p > pattern && (p[1] == '?' || p[1] == '+'))
            return "has a repetition that is lazy or possessive, which POSIX expressions do not know";
        if (p[0] == '\\' && p[1] != '\0')
            p++;
        else if (p[0] == '{') {
            const char *comma = strchr(p, ',');
            long low = strtol(p + 1, NULL, 10), high = comma != NULL ? strtol(comma + 1, NULL, 10) : 0;
            long times = low > high ? low : high;
            repeats *= times > 1 ? times < MOST_REPEATS + 1 ? times : MOST_REPEATS + 1 : 1;
            if (repeats > MOST_REPEATS)
                return "repeats more than 100 times";
        }
    }
    return NULL;
}

oct_status oct_rule_compile(const oct_recipe *recipe, oct_rule *rule, size_t at, oct_error *err)
{
    char reason[160];
    const char *why = refuse(rule->pattern);
    if (why != NULL)
        return oct_recipe_fail(recipe, at, OCT_E_INVALID, err, "the pattern %s", why);
    int code = regcomp(&rule->regex, rule->pattern, REG_EXTENDED | REG_NOSUB);
    if (code == 0)
        return OCT_OK;
    regerror(code, &rule->regex, reason, sizeof reason);
    rule->pattern = NULL;
    if (code == REG_ESPACE)
        return oct_fail_memory(err, strlen(reason), "a pattern");
    return oct_recipe_fail(recipe, at, OCT_E_INVALID, err, "the pattern is no regular expression: %s", reason);
}
