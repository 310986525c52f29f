/*
 * Numbers as people read them.
 */
#include <math.h>
#include <stdio.h>

#include "report/results.h"

/* value with three significant digits and a unit */
static void three_digits(double value, const char *unit, char *text, size_t size)
{
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    snprintf(text, size, "%.*f %s", decimals, value, unit);
}

const char *oct_format_bytes(double bytes, char *text, size_t size)
{
    if (bytes < 1e3)
        snprintf(text, size, "%.0f B", bytes);
    else if (bytes < 1e6)
        snprintf(text, size, "%.1f kB", bytes / 1e3);
    else
        snprintf(text, size, "%.2f MB", bytes / 1e6);
    return text;
}

const char *oct_format_ns(double ns, char *text, size_t size)
{
    if (ns < 999.5e3)
        three_digits(ns / 1e3, "µs", text, size);
    else if (ns < 999.5e6)
        three_digits(ns / 1e6, "ms", text, size);
    else
        three_digits(ns / 1e9, "s", text, size);
    return text;
}

const char *oct_format_points(double difference, char *text, size_t size)
{
    double points = round(difference * 1e4) / 1e2;
    snprintf(text, size, "%s%.2f", points < 0 ? "−" : points > 0 ? "+" : "", fabs(points));
    return text;
}
