/*
 * Instances of a register tile, 1 to 6 rows by 1 to 4 vectors of 4 columns, and the table to choose
 * from. To be included after tile and compute(tile, rows, vectors) are defined.
 */
#define INSTANCE(rows, vectors)                                                                    \
    static void tile_##rows##x##vectors(const tile *t)                                             \
    {                                                                                              \
        compute(t, rows, vectors);                                                                 \
    }
#define UP_TO_6(X, v) X(1, v) X(2, v) X(3, v) X(4, v) X(5, v) X(6, v)
#define ENTRY(rows, vectors) [rows] = tile_##rows##x##vectors,

UP_TO_6(INSTANCE, 1)
UP_TO_6(INSTANCE, 2)
UP_TO_6(INSTANCE, 3)
UP_TO_6(INSTANCE, 4)
static void (*const tiles[5][7])(const tile *) = { [1] = { UP_TO_6(ENTRY, 1) },
    [2] = { UP_TO_6(ENTRY, 2) }, [3] = { UP_TO_6(ENTRY, 3) }, [4] = { UP_TO_6(ENTRY, 4) } };

enum { MOST_ROWS = 6 };
