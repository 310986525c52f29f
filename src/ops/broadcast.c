/*
 * Merging and walking of broadcast shapes.
 */
#include "ops/broadcast.h"

#include <string.h>

#include "ops/arith.h"

/* Aligned to the right: the dimension and contiguous step of `value` at output dimension i. */
static size_t aligned_dim(const oct_value *value, int32_t rank, int32_t i)
{
    int32_t j = i - (rank - value->rank);
    return j < 0 ? 1 : (size_t)value->dims[j];
}

/* From the innermost dimension outwards; an outer one that continues the last merged one joins it. */
void oct_broadcast_init(oct_broadcast *walk, const oct_op *op)
{
    const oct_value *a = op->in[0], *b = op->in[1], *y = op->out[0];
    size_t dims[OCT_BROADCAST_RANK], a_steps[OCT_BROADCAST_RANK], b_steps[OCT_BROADCAST_RANK];
    size_t a_size = 1, b_size = 1;
    int32_t n = 0;
    for (int32_t i = y->rank - 1; i >= 0; i--) {
        size_t dim = (size_t)y->dims[i];
        size_t da = aligned_dim(a, y->rank, i), db = aligned_dim(b, y->rank, i);
        size_t a_step = da == 1 ? 0 : a_size, b_step = db == 1 ? 0 : b_size;
        a_size *= da;
        b_size *= db;
        if (dim == 1)
            continue;
        if (n > 0 && a_step == dims[n - 1] * a_steps[n - 1] && b_step == dims[n - 1] * b_steps[n - 1]) {
            dims[n - 1] *= dim;
            continue;
        }
        dims[n] = dim, a_steps[n] = a_step, b_steps[n] = b_step;
        n++;
    }
    if (n == 0) {
        dims[0] = a_steps[0] = b_steps[0] = 1; /* nothing is repeated */
        n = 1;
    }
    walk->rank = n;
    walk->count = oct_value_count(y);
    for (int32_t i = 0; i < n; i++) {
        walk->dims[i] = dims[n - 1 - i];
        walk->a_step[i] = a_steps[n - 1 - i];
        walk->b_step[i] = b_steps[n - 1 - i];
    }
}

oct_status oct_broadcast_prepare(oct_op *op, oct_error *err)
{
    oct_broadcast *walk = oct_op_alloc(op, sizeof *walk);
    if (walk == NULL)
        return oct_fail_memory(err, sizeof *walk, op->out[0]->label);
    op->prepared = walk;
    oct_broadcast_init(walk, op);
    return OCT_OK;
}

typedef struct job {
    const oct_broadcast *walk;
    const unsigned char *a, *b;
    unsigned char *y;
    size_t in_size, out_size;
    oct_binary_row row;
    const void *user;
} job;

/* Where the operands stand at a position of the output; index: of the dimensions outside the row. */
typedef struct place {
    size_t index[OCT_BROADCAST_RANK], a, b;
} place;

static place place_at(const oct_broadcast *walk, size_t row)
{
    place at = { .a = 0 };
    for (int32_t i = walk->rank - 2; i >= 0; i--) {
        at.index[i] = row % walk->dims[i];
        row /= walk->dims[i];
        at.a += at.index[i] * walk->a_step[i];
        at.b += at.index[i] * walk->b_step[i];
    }
    return at;
}

static void next_row(const oct_broadcast *walk, place *at)
{
    for (int32_t i = walk->rank - 2; i >= 0; i--) {
        at->a += walk->a_step[i];
        at->b += walk->b_step[i];
        if (++at->index[i] < walk->dims[i])
            return;
        at->a -= walk->dims[i] * walk->a_step[i];
        at->b -= walk->dims[i] * walk->b_step[i];
        at->index[i] = 0;
    }
}

/* Elements begin .. end of the output, as whole and partial rows. */
static void run_rows(const job *j, size_t begin, size_t end)
{
    const oct_broadcast *walk = j->walk;
    int32_t inner = walk->rank - 1;
    size_t length = walk->dims[inner], column = begin % length;
    size_t a_step = walk->a_step[inner], b_step = walk->b_step[inner];
    for (place at = place_at(walk, begin / length); begin < end; next_row(walk, &at)) {
        size_t n = length - column < end - begin ? length - column : end - begin;
        j->row(j->user, n, j->a + (at.a + column * a_step) * j->in_size, a_step,
            j->b + (at.b + column * b_step) * j->in_size, b_step, j->y + begin * j->out_size);
        begin += n;
        column = 0;
    }
}

enum { TILE_BYTES = 4096 };

/*
 * Whether one operand is a short row that repeats while the other runs on, as a vector of channels beside
 * an image: such a row is repeated in a tile, so that the rows handed on are long.
 */
static bool repeats(const job *j, const size_t *short_step, const size_t *long_step)
{
    const oct_broadcast *walk = j->walk;
    int32_t inner = walk->rank - 1;
    return inner == 1 && short_step[0] == 0 && short_step[1] == 1 && long_step[1] == 1
        && long_step[0] == walk->dims[1] && 2 * walk->dims[1] * j->in_size <= TILE_BYTES;
}

static void run_tiles(const job *j, size_t begin, size_t end, bool a_repeats)
{
    unsigned char tile[TILE_BYTES];
    size_t length = j->walk->dims[1], column = begin % length;
    size_t tiled = TILE_BYTES / j->in_size / length * length;
    for (size_t i = 0; i < tiled; i += length)
        memcpy(tile + i * j->in_size, a_repeats ? j->a : j->b, length * j->in_size);
    for (size_t n; begin < end; begin += n, column = 0) {
        n = tiled - column < end - begin ? tiled - column : end - begin;
        const unsigned char *repeated = tile + column * j->in_size;
        j->row(j->user, n, a_repeats ? repeated : j->a + begin * j->in_size, 1,
            a_repeats ? j->b + begin * j->in_size : repeated, 1, j->y + begin * j->out_size);
    }
}

static void run_piece(void *user, size_t begin, size_t end, int32_t worker)
{
    (void)worker;
    const job *j = user;
    const oct_broadcast *walk = j->walk;
    if (repeats(j, walk->a_step, walk->b_step))
        run_tiles(j, begin, end, true);
    else if (repeats(j, walk->b_step, walk->a_step))
        run_tiles(j, begin, end, false);
    else
        run_rows(j, begin, end);
}

void oct_broadcast_run(const oct_broadcast *walk, const oct_op *op, size_t in_size, size_t out_size,
    oct_binary_row row, const void *user)
{
    enum { GRAIN = 16384 };
    job j = { walk, op->in[0]->data, op->in[1]->data, op->out[0]->data, in_size, out_size, row,
        user };
    oct_pool_for(op->pool, walk->count, GRAIN, run_piece, &j);
}
