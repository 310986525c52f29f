/*
 * Constants go to the sink from where they are; the rest through one stage.
 */
#include "tflite/send.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { STAGE_BYTES = 1 << 16, PIECE_BYTES = 1 << 22, TABLE_BYTES = 512 };

oct_status oct_fb_stream_open(oct_fb_stream *s, oct_tflite_sink *write, void *user, oct_error *err)
{
    *s = (oct_fb_stream){ .write = write, .user = user, .stage = malloc(STAGE_BYTES), .err = err };
    return s->stage == NULL ? oct_fail_memory(err, STAGE_BYTES, "writing") : OCT_OK;
}

void oct_fb_stream_close(oct_fb_stream *s)
{
    free(s->stage);
    s->stage = NULL;
}

oct_status oct_fb_stream_flush(oct_fb_stream *s)
{
    size_t bytes = s->staged;
    s->staged = 0;
    return bytes == 0 ? OCT_OK : s->write(s->user, s->stage, bytes, s->err);
}

static oct_status send_large(oct_fb_stream *s, const uint8_t *bytes, size_t size)
{
    for (size_t at = 0, piece; at < size; at += piece) {
        piece = size - at < PIECE_BYTES ? size - at : PIECE_BYTES;
        OCT_TRY(s->write(s->user, bytes + at, piece, s->err));
        oct_graph_rest(s->graph, bytes + at, piece);
    }
    return OCT_OK;
}

oct_status oct_fb_send(oct_fb_stream *s, const void *bytes, size_t size)
{
    s->at += size;
    if (size > STAGE_BYTES - s->staged)
        OCT_TRY(oct_fb_stream_flush(s));
    if (size > STAGE_BYTES)
        return send_large(s, bytes, size);
    if (size != 0)
        memcpy(s->stage + s->staged, bytes, size);
    s->staged += size;
    return OCT_OK;
}

oct_status oct_fb_send_zeros(oct_fb_stream *s, uint64_t at)
{
    static const uint8_t zeros[64];
    while (s->at < at) {
        uint64_t rest = at - s->at;
        OCT_TRY(oct_fb_send(s, zeros, rest < sizeof zeros ? (size_t)rest : sizeof zeros));
    }
    return OCT_OK;
}

static uint32_t distance(const oct_fb_pack *pack, const oct_fb_object *object,
    const oct_fb_ref *ref)
{
    return (uint32_t)(pack->objects[ref->target].at - (object->at + ref->at));
}

static oct_status send_table(oct_fb_stream *s, const oct_fb_pack *pack, const oct_fb_object *table)
{
    uint8_t image[TABLE_BYTES];
    uint32_t vtable = (uint32_t)(table->at - pack->objects[table->vtable].at);
    memcpy(image, table->body, table->body_bytes);
    memcpy(image, &vtable, sizeof vtable);
    for (uint32_t i = 0; i < table->ref_count; i++) {
        uint32_t offset = distance(pack, table, &table->refs[i]);
        memcpy(image + table->refs[i].at, &offset, sizeof offset);
    }
    return oct_fb_send(s, image, table->body_bytes);
}

static oct_status send_object(oct_fb_stream *s, const oct_fb_pack *pack,
    const oct_fb_object *object)
{
    assert(s->at <= object->at);
    OCT_TRY(oct_fb_send_zeros(s, object->at));
    if (object->kind == OCT_FB_KIND_TABLE)
        return send_table(s, pack, object);
    if (object->kind != OCT_FB_KIND_VTABLE)
        OCT_TRY(oct_fb_send(s, &object->count, sizeof object->count));
    OCT_TRY(oct_fb_send(s, object->body, object->body_bytes));
    for (uint32_t i = 0; i < object->ref_count; i++) {
        uint32_t offset = distance(pack, object, &object->refs[i]);
        OCT_TRY(oct_fb_send(s, &offset, sizeof offset));
    }
    return object->kind == OCT_FB_KIND_STRING ? oct_fb_send(s, "", 1) : OCT_OK;
}

oct_status oct_fb_send_model(oct_fb_stream *s, const oct_fb_pack *pack, const oct_fb_layout *layout)
{
    uint32_t root = (uint32_t)pack->objects[pack->root].at;
    OCT_TRY(oct_fb_send(s, &root, sizeof root));
    OCT_TRY(oct_fb_send(s, "TFL3", 4));
    for (uint32_t i = 0; i < pack->count; i++)
        OCT_TRY(send_object(s, pack, &pack->objects[layout->order[i]]));
    return oct_fb_send_zeros(s, layout->bytes);
}
