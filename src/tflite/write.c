/*
 * Writing, second half: structs are packed, laid out and sent piece by piece. Constants go to the sink from
 * where they are.
 *
 * A file too large for FlatBuffers' 31-bit offsets has its constants behind the FlatBuffer:
 * [FlatBuffer][zeros to 16][constant][zeros to 16][constant]…[16 zeros]. Their places depend on the size of
 * the FlatBuffer, which does not depend on their places: it is packed twice.
 */
#include "tflite/write.h"

#include <stdlib.h>

#include "tflite/export.h"
#include "tflite/layout.h"
#include "tflite/wire.h"

enum { STAGE_BYTES = 1 << 16 };

/* A model ready to be sent. */
typedef struct plan {
    oct_fb_export export;
    oct_fb_pack pack;
    oct_fb_layout layout;
    uint64_t file_bytes;
} plan;

static void plan_deinit(plan *p)
{
    oct_fb_layout_deinit(&p->layout);
    oct_fb_pack_deinit(&p->pack);
    oct_fb_export_deinit(&p->export);
}

static oct_status pack_and_lay_out(plan *p, oct_error *err)
{
    oct_fb_layout_deinit(&p->layout);
    oct_fb_pack_deinit(&p->pack);
    OCT_TRY(oct_fb_pack_model(&p->export.model, p->export.causes, &p->pack, err));
    return oct_fb_layout_create(&p->pack, &p->layout, err);
}

static bool fits(const plan *p, uint64_t limit)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < p->export.count; i++)
        if (p->export.contents[i].size > limit || (sum += p->export.contents[i].size) > limit)
            return false;
    return true;
}

static oct_status plan_inside(const oct_graph *graph, uint64_t limit, plan *p, oct_error *err)
{
    OCT_TRY(oct_fb_export_graph(graph, false, &p->export, err));
    if (!fits(p, limit))
        return OCT_OK;
    OCT_TRY(pack_and_lay_out(p, err));
    p->file_bytes = p->layout.bytes;
    return OCT_OK;
}

static oct_status plan_outside(const oct_graph *graph, uint64_t limit, plan *p, oct_error *err)
{
    plan_deinit(p);
    OCT_TRY(oct_fb_export_graph(graph, true, &p->export, err));
    OCT_TRY(pack_and_lay_out(p, err));
    uint64_t bytes = p->layout.bytes;
    p->file_bytes = oct_fb_place_outside(&p->export, bytes);
    OCT_TRY(pack_and_lay_out(p, err));
    if (p->layout.bytes != bytes || bytes > limit)
        return oct_fail(err, OCT_E_UNSUPPORTED,
            "the model's structure takes %llu bytes; the file format allows %llu",
            (unsigned long long)bytes, (unsigned long long)limit);
    return OCT_OK;
}

static oct_status plan_create(const oct_graph *graph, uint64_t limit, plan *p, oct_error *err)
{
    *p = (plan){ 0 };
    OCT_TRY(plan_inside(graph, limit, p, err));
    if (p->file_bytes == 0 || p->file_bytes > limit)
        return plan_outside(graph, limit, p, err);
    return OCT_OK;
}

/* Small pieces are gathered; large ones go out as they are. */
typedef struct stream {
    oct_tflite_sink *write;
    void *user;
    uint8_t *stage;
    size_t staged;
    uint64_t at;
    oct_error *err;
} stream;

static oct_status flush(stream *s)
{
    size_t bytes = s->staged;
    s->staged = 0;
    return bytes == 0 ? OCT_OK : s->write(s->user, s->stage, bytes, s->err);
}

static oct_status send(stream *s, const void *bytes, size_t size)
{
    s->at += size;
    if (size > STAGE_BYTES - s->staged)
        OCT_TRY(flush(s));
    if (size > STAGE_BYTES)
        return s->write(s->user, bytes, size, s->err);
    if (size != 0)
        memcpy(s->stage + s->staged, bytes, size);
    s->staged += size;
    return OCT_OK;
}

static oct_status pad_to(stream *s, uint64_t at)
{
    static const uint8_t zeros[64];
    while (s->at < at) {
        uint64_t rest = at - s->at;
        OCT_TRY(send(s, zeros, rest < sizeof zeros ? (size_t)rest : sizeof zeros));
    }
    return OCT_OK;
}

static uint32_t distance(const oct_fb_pack *pack, const oct_fb_object *object,
    const oct_fb_ref *ref)
{
    return (uint32_t)(pack->objects[ref->target].at - (object->at + ref->at));
}

static oct_status send_table(stream *s, const oct_fb_pack *pack, const oct_fb_object *table)
{
    uint8_t image[512];
    uint32_t vtable = (uint32_t)(table->at - pack->objects[table->vtable].at);
    memcpy(image, table->body, table->body_bytes);
    memcpy(image, &vtable, sizeof vtable);
    for (uint32_t i = 0; i < table->ref_count; i++) {
        uint32_t offset = distance(pack, table, &table->refs[i]);
        memcpy(image + table->refs[i].at, &offset, sizeof offset);
    }
    return send(s, image, table->body_bytes);
}

static oct_status send_object(stream *s, const oct_fb_pack *pack, const oct_fb_object *object)
{
    OCT_TRY(pad_to(s, object->at));
    if (object->kind == OCT_FB_KIND_TABLE)
        return send_table(s, pack, object);
    if (object->kind != OCT_FB_KIND_VTABLE)
        OCT_TRY(send(s, &object->count, sizeof object->count));
    OCT_TRY(send(s, object->body, object->body_bytes));
    for (uint32_t i = 0; i < object->ref_count; i++) {
        uint32_t offset = distance(pack, object, &object->refs[i]);
        OCT_TRY(send(s, &offset, sizeof offset));
    }
    return object->kind == OCT_FB_KIND_STRING ? send(s, "", 1) : OCT_OK;
}

static oct_status send_plan(stream *s, const plan *p)
{
    uint32_t root = (uint32_t)p->pack.objects[p->pack.root].at;
    OCT_TRY(send(s, &root, sizeof root));
    OCT_TRY(send(s, "TFL3", 4));
    for (uint32_t i = 0; i < p->pack.count; i++)
        OCT_TRY(send_object(s, &p->pack, &p->pack.objects[p->layout.order[i]]));
    OCT_TRY(pad_to(s, p->layout.bytes));
    for (uint32_t i = 0; i < p->export.count; i++) {
        const oct_fb_content *content = &p->export.contents[i];
        if (!content->outside)
            continue;
        OCT_TRY(pad_to(s, p->export.buffers[i].offset));
        OCT_TRY(send(s, content->data, content->size));
    }
    OCT_TRY(pad_to(s, p->file_bytes));
    return flush(s);
}

oct_status oct_tflite_write_within(const oct_graph *graph, uint64_t limit, oct_tflite_sink *write,
    void *user, oct_error *err)
{
    plan p;
    stream s = { .write = write, .user = user, .stage = malloc(STAGE_BYTES), .err = err };
    if (s.stage == NULL)
        return oct_fail_memory(err, STAGE_BYTES, "writing");
    oct_status status = plan_create(graph, limit, &p, err);
    if (status == OCT_OK)
        status = send_plan(&s, &p);
    plan_deinit(&p);
    free(s.stage);
    return status;
}

oct_status oct_tflite_write(const oct_graph *graph,
    oct_status (*write)(void *user, const void *bytes, size_t size, oct_error *err), void *user,
    oct_error *err)
{
    return oct_tflite_write_within(graph, INT32_MAX, write, user, err);
}

static void count_objects(const plan *p, size_t bytes[OCT_FB_CAUSE_COUNT])
{
    for (uint32_t i = 0; i < p->pack.count; i++)
        bytes[p->pack.objects[i].cause] += oct_fb_object_bytes(&p->pack.objects[i]);
    for (uint32_t i = 0; i < p->export.count; i++)
        if (p->export.contents[i].outside)
            bytes[p->export.contents[i].cause] += p->export.contents[i].size;
}

oct_status oct_tflite_measure(const oct_graph *graph, oct_tflite_ledger *ledger, oct_error *err)
{
    plan p;
    size_t bytes[OCT_FB_CAUSE_COUNT] = { 0 };
    oct_status status = plan_create(graph, INT32_MAX, &p, err);
    if (status == OCT_OK)
        count_objects(&p, bytes);
    *ledger = (oct_tflite_ledger){
        .total = (size_t)p.file_bytes,
        .weights = bytes[OCT_FB_WEIGHTS],
        .biases = bytes[OCT_FB_BIASES],
        .other_constants = bytes[OCT_FB_OTHER_CONSTANTS],
        .quantization = bytes[OCT_FB_QUANTIZATION],
        .names = bytes[OCT_FB_NAMES],
        .metadata = bytes[OCT_FB_METADATA],
    };
    /* Header and padding belong to the structure. */
    ledger->structure = ledger->total - ledger->weights - ledger->biases - ledger->other_constants -
        ledger->quantization - ledger->names - ledger->metadata;
    plan_deinit(&p);
    return status;
}
