/*
 * Batched matrix products on the panels of the convolutions.
 *
 * The right operand of each batch is packed, when the session is made if it is constant, otherwise in
 * every run: that costs a pass over it, and pays from a few rows on. Then blocks of rows of all batches
 * are shared out. Where kernels multiply bytes, the right zero point can not be folded into the panels:
 * its share of a row's sums, zero times the sum of the row, is taken off before requantization.
 */
#include "ops/fast_matmul.h"

#include <math.h>
#include <string.h>

#include "kernels/dispatch.h"
#include "kernels/pack_matrix.h"
#include "kernels/row_sums.h"
#include "ops/arith.h"

/* MOST_DEPTH: sums of so many codes fit 32 bits. */
enum { FEWEST_ROWS = 4, FLOAT_ROWS = 84, INT_ROWS = 32, MOST_DEPTH = 1 << 23 };

typedef struct fast_matmul {
    const oct_kernel_set *kernels;
    const oct_row_sums_set *row_sums;
    const oct_gemm_layout *layout;
    oct_gemm_int_fn product; /* integer forms */
    bool on_bytes, tiles;
    size_t depth;                    /* padded to whole groups */
    int32_t block_rows, blocks;      /* of a batch */
    size_t batches, rights;          /* output batches; different right operands */
    size_t panel_bytes, right_bytes; /* of a right operand: its panels, then its columns' sums */
    char *packed;                    /* constant right operand */
    oct_requant_tile rq;
    oct_requant_tile_fn requant;
    size_t tile_bytes, row_bytes, sum_bytes, worker_bytes;
} fast_matmul;

/* A block of rows on its way through a worker. */
typedef struct block {
    size_t batch;
    int32_t row, rows;
    const void *a; /* [rows][depth] as the kernels read it */
    const char *panels;
    const int32_t *column_sums;
    int32_t *shares;      /* [rows] what is taken off each sum */
    oct_row_quant *units; /* hybrid: [rows] */
    int32_t *sum;
} block;

static void *alloc_aligned(oct_op *op, size_t size)
{
    char *bytes = oct_op_alloc(op, size + 63);
    return bytes == NULL ? NULL : bytes + (64 - (uintptr_t)bytes % 64) % 64;
}

static size_t whole_lines(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static void choose_kernel(const oct_op *op, const oct_matmul *m, fast_matmul *f)
{
    const oct_kernel_set *k = f->kernels = oct_kernel_set_get();
    bool is_float = op->form == OCT_FORM_F32;
    f->row_sums = oct_row_sums_set_of(oct_cpu_level());
    f->on_bytes = !is_float && k->gemm_s8 != NULL;
    f->layout = is_float ? &k->f32_layout : f->on_bytes ? &k->s8_layout : &k->s16_layout;
    f->product = f->on_bytes ? k->gemm_s8 : k->gemm_s16;
    f->tiles = f->on_bytes && k->gemm_s8_tiles.product != NULL;
    f->depth = oct_gemm_depth(f->layout, (size_t)m->depth);
    int32_t most = is_float ? FLOAT_ROWS : INT_ROWS;
    f->blocks = (m->rows + most - 1) / most;
    f->block_rows = (m->rows + f->blocks - 1) / f->blocks;
    f->blocks = (m->rows + f->block_rows - 1) / f->block_rows;
    f->batches = m->batch[0] * m->batch[1] * m->batch[2];
    f->rights = oct_value_count(op->in[RIGHT]) / ((size_t)m->depth * (size_t)m->columns);
    f->panel_bytes = whole_lines(oct_gemm_packed_bytes(f->layout, m->columns, (size_t)m->depth));
    f->right_bytes = f->panel_bytes + (is_float ? 0 : whole_lines((size_t)m->columns * 4));
}

static oct_status prepare_requant(oct_op *op, const oct_matmul *m, fast_matmul *f, oct_error *err)
{
    size_t columns = (size_t)m->columns, bytes = columns * sizeof(oct_multiplier);
    oct_multiplier *by = oct_op_alloc(op, bytes);
    oct_requant_block *constants =
        alloc_aligned(op, (columns + 15) / 16 * sizeof(oct_requant_block));
    if (by == NULL || constants == NULL)
        return oct_fail_memory(err, bytes, "requantization constants");
    for (size_t i = 0; i < columns; i++)
        by[i] = m->by;
    oct_requant plain = { .by = by, .zero = m->out_zero, .lo = m->lo, .hi = m->hi };
    f->rq = (oct_requant_tile){ .plain = plain };
    f->requant = oct_requant_tile_s8_c;
    if (oct_requant_vectorisable(&plain, m->columns, (int64_t)m->depth * 255 * 255)) {
        oct_requant_tile_init(&plain, m->columns, m->columns, NULL, constants, &f->rq);
        f->requant = f->kernels->requant_s8;
    }
    return OCT_OK;
}

static void pack_right(const oct_op *op, const fast_matmul *f, size_t right, char *to)
{
    const oct_matmul *m = op->prepared;
    size_t at = right * (size_t)m->depth * (size_t)m->columns;
    oct_right_matrix b = { .by_column = m->right_k == 1 && m->right_column != 1,
        .columns = m->columns,
        .depth = (size_t)m->depth };
    if (op->form == OCT_FORM_F32) {
        b.data = (const float *)op->in[RIGHT]->data + at;
        oct_pack_matrix_f32(f->layout, &b, to);
        return;
    }
    bool flipped = f->on_bytes && !f->kernels->s8_signed;
    b.data = (const int8_t *)op->in[RIGHT]->data + at;
    oct_pack_matrix_s8(f->layout, &b, m->left_zero + (flipped ? 128 : 0), m->right_zero,
        (int32_t *)(void *)(to + f->panel_bytes), to);
}

static void pack_rights(void *user, size_t begin, size_t end, int32_t worker)
{
    (void)worker;
    const oct_op *op = user;
    const fast_matmul *f = op->packed;
    for (size_t i = begin; i < end; i++)
        pack_right(op, f, i, (char *)op->scratch[1] + i * f->right_bytes);
}

static bool is_usable(const oct_op *op, const oct_matmul *m)
{
    if (m->rows < 1 || m->depth < 1 || m->depth > MOST_DEPTH || m->columns < 1 ||
        oct_value_count(op->out[0]) == 0)
        return false;
    if (op->form == OCT_FORM_HYBRID && m->left_k != 1)
        return false;
    return op->in[RIGHT]->known || m->rows >= FEWEST_ROWS;
}

oct_status oct_fast_matmul_prepare(oct_op *op, bool *usable, oct_error *err)
{
    const oct_matmul *m = op->prepared;
    *usable = is_usable(op, m);
    if (!*usable)
        return OCT_OK;
    fast_matmul *f = oct_op_alloc(op, sizeof *f);
    if (f == NULL)
        return oct_fail_memory(err, sizeof *f, "BATCH_MATMUL");
    op->packed = f;
    choose_kernel(op, m, f);
    if (op->form == OCT_FORM_S8)
        OCT_TRY(prepare_requant(op, m, f, err));
    if (op->in[RIGHT]->known) {
        f->packed = alloc_aligned(op, f->rights * f->right_bytes);
        if (f->packed == NULL)
            return oct_fail_memory(err, f->rights * f->right_bytes, "packed operand");
        for (size_t i = 0; i < f->rights; i++)
            pack_right(op, f, i, f->packed + i * f->right_bytes);
    }
    size_t rows = (size_t)f->block_rows, element = f->on_bytes ? 1 : f->layout->bytes == 4 ? 4 : 2;
    f->tile_bytes = whole_lines(rows * f->depth * element);
    f->row_bytes = whole_lines((size_t)m->depth);
    f->sum_bytes =
        op->form == OCT_FORM_F32 ? 0 : rows * (size_t)oct_gemm_panel_columns(f->layout) * 4;
    f->worker_bytes = f->tile_bytes + f->row_bytes + f->sum_bytes +
                      whole_lines(rows * (sizeof(int32_t) + sizeof(oct_row_quant)));
    op->scratch_bytes[0] = (size_t)oct_pool_threads(op->pool) * f->worker_bytes;
    op->scratch_bytes[1] = f->packed == NULL ? f->rights * f->right_bytes : 0;
    return OCT_OK;
}

/* A row of codes as the kernels read it; the padding meets zeros in the panels. */
static void move_row(const fast_matmul *f, const oct_matmul *m, const int8_t *from, void *to)
{
    if (!f->on_bytes)
        f->kernels->move_widen(to, from, (size_t)m->depth, m->left_zero);
    else if (f->kernels->s8_signed)
        memcpy(to, from, (size_t)m->depth);
    else
        f->kernels->move_flip(to, from, (size_t)m->depth, 0);
}

static void load_codes(
    const oct_op *op, const fast_matmul *f, const block *b, size_t left, char *tile, int8_t *row)
{
    const oct_matmul *m = op->prepared;
    size_t depth = (size_t)m->depth, element = f->on_bytes ? 1 : 2;
    bool flipped = f->on_bytes && !f->kernels->s8_signed;
    for (int32_t i = 0; i < b->rows; i++, left += m->left_row, tile += f->depth * element) {
        const int8_t *from = row;
        if (op->form == OCT_FORM_HYBRID) {
            const oct_batch_matmul_options *o = op->options;
            b->units[i] = oct_quantize_row(&f->kernels->quantize, o->asymmetric_quantize_inputs,
                (const float *)op->in[LEFT]->data + left, depth, row);
        } else if (m->left_k == 1) {
            from = (const int8_t *)op->in[LEFT]->data + left;
        } else {
            for (size_t k = 0; k < depth; k++)
                row[k] = ((const int8_t *)op->in[LEFT]->data)[left + k * m->left_k];
        }
        if (f->on_bytes && m->right_zero != 0) {
            f->row_sums->s8(from, 1, depth, &b->shares[i]);
            uint32_t sum = (uint32_t)b->shares[i] + (flipped ? 128 * (uint32_t)m->depth : 0);
            b->shares[i] = (int32_t)(sum * (uint32_t)m->right_zero);
        }
        move_row(f, m, from, tile);
    }
}

/* Columns of a transposed operand, a few at a time, become rows. */
static void load_columns_f32(const oct_matmul *m, const float *from, int32_t rows, float *to)
{
    for (size_t k = 0; k < (size_t)m->depth; k++)
        for (size_t i = 0; i < (size_t)rows; i++)
            to[i * (size_t)m->depth + k] = from[k * m->left_k + i];
}

static void multiply_f32(const oct_op *op, const fast_matmul *f, const block *b)
{
    const oct_matmul *m = op->prepared;
    size_t n = (size_t)m->columns, row = b->batch * (size_t)m->rows + (size_t)b->row;
    int32_t width = oct_gemm_panel_columns(f->layout);
    for (int32_t c = 0; c < m->columns; c += width) {
        const char *panel =
            b->panels + (size_t)(c / width) * oct_gemm_panel_bytes(f->layout, f->depth);
        f->kernels->gemm_f32(&(oct_gemm_f32_args){ .a = b->a,
            .a_stride = f->depth,
            .rows = b->rows,
            .depth = (int32_t)f->depth,
            .panel = (const float *)(const void *)panel,
            .vectors = oct_gemm_panel_vectors(f->layout, m->columns, c),
            .columns = m->columns - c < width ? m->columns - c : width,
            .lo = -INFINITY,
            .hi = INFINITY,
            .y = (float *)op->out[0]->data + row * n + (size_t)c,
            .y_stride = n });
    }
}

static void take_shares_off(const block *b, int32_t width)
{
    for (int32_t i = 0; i < b->rows; i++) {
        uint32_t *sum = (uint32_t *)b->sum + (size_t)i * (size_t)width,
                 share = (uint32_t)b->shares[i];
        for (int32_t n = 0; n < width; n++)
            sum[n] -= share;
    }
}

/* The zero point's share is taken off in float, as the reference kernel does. */
static void finish_hybrid(
    const oct_op *op, const block *b, int32_t width, int32_t column, int32_t columns, float *y)
{
    const oct_matmul *m = op->prepared;
    const oct_quant *quant = op->in[RIGHT]->quant;
    for (int32_t i = 0; i < b->rows; i++, y += m->columns) {
        const int32_t *sum = b->sum + (size_t)i * (size_t)width;
        float zero = (float)b->units[i].zero, scale = b->units[i].scale;
        for (int32_t n = 0; n < columns; n++) {
            int32_t v = (int32_t)((float)sum[n] - (float)b->column_sums[column + n] * zero);
            y[n] = scale * quant->scale[quant->count > 1 ? column + n : 0] * (float)v;
        }
    }
}

static void multiply_codes(const oct_op *op, const fast_matmul *f, const block *b)
{
    const oct_matmul *m = op->prepared;
    size_t n = (size_t)m->columns, row = b->batch * (size_t)m->rows + (size_t)b->row;
    int32_t width = oct_gemm_panel_columns(f->layout);
    oct_gemm_int_fn product =
        f->tiles && b->rows >= OCT_GEMM_TILE_ROWS ? f->kernels->gemm_s8_tiles.product : f->product;
    for (int32_t c = 0; c < m->columns; c += width) {
        product(&(oct_gemm_int_args){ .a = b->a,
            .a_stride = f->depth,
            .rows = b->rows,
            .groups = (int32_t)f->depth / f->layout->group,
            .panel =
                b->panels + (size_t)(c / width) * oct_gemm_panel_bytes(f->layout, (size_t)m->depth),
            .vectors = oct_gemm_panel_vectors(f->layout, m->columns, c),
            .sum = b->sum,
            .sum_stride = (size_t)width });
        if (f->on_bytes && m->right_zero != 0)
            take_shares_off(b, width);
        int32_t columns = m->columns - c < width ? m->columns - c : width;
        size_t at = row * n + (size_t)c;
        if (op->form == OCT_FORM_HYBRID)
            finish_hybrid(op, b, width, c, columns, (float *)op->out[0]->data + at);
        else
            f->requant(b->sum, (size_t)width, b->rows, columns, &f->rq, c,
                (int8_t *)op->out[0]->data + at, n);
    }
}

static void multiply_block(const oct_op *op, const fast_matmul *f, size_t piece, int32_t worker)
{
    const oct_matmul *m = op->prepared;
    char *scratch = (char *)op->scratch[0] + (size_t)worker * f->worker_bytes;
    char *row = scratch + f->tile_bytes, *sum = row + f->row_bytes, *shares = sum + f->sum_bytes;
    size_t left, right;
    block b = { .batch = piece / (size_t)f->blocks,
        .a = scratch,
        .row = (int32_t)(piece % (size_t)f->blocks) * f->block_rows,
        .shares = (int32_t *)(void *)shares,
        .sum = (int32_t *)(void *)sum,
        .units = (oct_row_quant *)(void *)(shares + (size_t)f->block_rows * sizeof(int32_t)) };
    b.rows = m->rows - b.row < f->block_rows ? m->rows - b.row : f->block_rows;
    oct_matmul_locate(m, b.batch, &left, &right);
    left += (size_t)b.row * m->left_row;
    b.panels = (f->packed != NULL ? f->packed : (char *)op->scratch[1]) +
               right / ((size_t)m->depth * (size_t)m->columns) * f->right_bytes;
    b.column_sums = (const int32_t *)(const void *)(b.panels + f->panel_bytes);
    if (op->form != OCT_FORM_F32) {
        load_codes(op, f, &b, left, scratch, (int8_t *)row);
        multiply_codes(op, f, &b);
        return;
    }
    const float *x = (const float *)op->in[LEFT]->data + left;
    if (m->left_k == 1)
        b.a = x;
    else
        load_columns_f32(m, x, b.rows, (float *)(void *)scratch);
    multiply_f32(op, f, &b);
}

static void multiply_pieces(void *user, size_t begin, size_t end, int32_t worker)
{
    const oct_op *op = user;
    const fast_matmul *f = op->packed;
    if (f->tiles)
        f->kernels->gemm_s8_tiles.begin((int32_t)f->depth / f->layout->group);
    for (size_t i = begin; i < end; i++)
        multiply_block(op, f, i, worker);
    if (f->tiles)
        f->kernels->gemm_s8_tiles.end();
}

oct_status oct_fast_matmul_eval(oct_op *op, oct_error *err)
{
    (void)err;
    const fast_matmul *f = op->packed;
    if (f->packed == NULL)
        oct_pool_for(op->pool, f->rights, 1, pack_rights, op);
    oct_pool_for(op->pool, f->batches * (size_t)f->blocks, 2, multiply_pieces, op);
    return OCT_OK;
}
