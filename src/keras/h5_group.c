/*
 * Groups of an HDF5 file: names to objects.
 *
 * An "old" group is a symbol-table message -> B-tree (TREE) -> nodes of entries (SNOD), with the names in
 * a local heap (HEAP). Each group is read once, sorted and kept: a layer's weights are looked up by name.
 */
#include "keras/h5_file.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_TREE_DEPTH = 16, SNOD_ENTRY_BYTES = 40, SOFT_LINK = 2 };

static oct_status damaged(oct_error *err, uint64_t address, const char *what)
{
    return oct_fail_at(err, OCT_E_INVALID, (int64_t)(address & INT64_MAX), "damaged HDF5 %s", what);
}

static oct_status add_link(h5_group *group, h5_link link, oct_error *err)
{
    if (group->count == group->capacity) {
        size_t capacity = group->capacity == 0 ? 8 : 2 * group->capacity;
        h5_link *links = realloc(group->links, capacity * sizeof *links);
        if (links == NULL)
            return oct_fail_memory(err, capacity * sizeof *links, "an HDF5 group");
        group->links = links;
        group->capacity = capacity;
    }
    group->links[group->count++] = link;
    return OCT_OK;
}

/* A name in the heap's data segment: it must end inside. */
static const char *heap_text(h5_cursor heap, uint64_t offset)
{
    if (heap.bad || offset >= heap.left)
        return NULL;
    const char *text = (const char *)heap.at + offset;
    return memchr(text, 0, heap.left - (size_t)offset) != NULL ? text : NULL;
}

static oct_status read_entries(oct_h5 *h5, uint64_t address, h5_cursor heap, h5_group *group,
    oct_error *err)
{
    h5_cursor head = h5_at(h5, address, 8);
    const uint8_t *magic = h5_take(&head, 4);
    h5_take(&head, 2);
    uint64_t count = h5_number(&head, 2);
    if (head.bad || memcmp(magic, "SNOD", 4) != 0)
        return damaged(err, address, "symbol node");
    OCT_TRY(h5_charge(h5, count, err));
    h5_cursor entries = h5_at(h5, address + 8, count * SNOD_ENTRY_BYTES);
    for (uint64_t i = 0; i < count; i++) {
        h5_link link = { .name = heap_text(heap, h5_number(&entries, 8)) };
        link.object = h5_number(&entries, 8);
        link.soft = h5_number(&entries, 4) == SOFT_LINK;
        h5_take(&entries, 20);
        if (entries.bad || link.name == NULL)
            return damaged(err, address, "symbol node entry");
        OCT_TRY(h5_charge(h5, strlen(link.name) / 16, err));
        OCT_TRY(add_link(group, link, err));
    }
    return OCT_OK;
}

static oct_status read_tree(oct_h5 *h5, uint64_t address, h5_cursor heap, int depth, h5_group *group,
    oct_error *err)
{
    h5_cursor head = h5_at(h5, address, 24);
    const uint8_t *magic = h5_take(&head, 4);
    uint64_t type = h5_number(&head, 1), level = h5_number(&head, 1), count = h5_number(&head, 2);
    if (head.bad || memcmp(magic, "TREE", 4) != 0 || type != 0 || depth == MAX_TREE_DEPTH)
        return damaged(err, address, "group tree");
    OCT_TRY(h5_charge(h5, 1 + count, err));
    h5_cursor children = h5_at(h5, address + 24, 16 * count);
    for (uint64_t i = 0; i < count; i++) {
        h5_take(&children, 8); /* key */
        uint64_t child = h5_number(&children, 8);
        if (children.bad)
            return damaged(err, address, "group tree");
        if (level == 0)
            OCT_TRY(read_entries(h5, child, heap, group, err));
        else
            OCT_TRY(read_tree(h5, child, heap, depth + 1, group, err));
    }
    return OCT_OK;
}

static oct_status open_heap(const oct_h5 *h5, uint64_t address, h5_cursor *heap, oct_error *err)
{
    h5_cursor head = h5_at(h5, address, 32);
    const uint8_t *magic = h5_take(&head, 4);
    h5_take(&head, 4);
    uint64_t size = h5_number(&head, 8);
    h5_take(&head, 8);
    uint64_t segment = h5_number(&head, 8);
    if (head.bad || memcmp(magic, "HEAP", 4) != 0)
        return damaged(err, address, "local heap");
    *heap = h5_at(h5, segment, size);
    return heap->bad ? damaged(err, address, "local heap") : OCT_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const h5_link *)a)->name, ((const h5_link *)b)->name);
}

/* Leaves *is_group false when the object is something else, a data set. */
static oct_status read_group(oct_h5 *h5, h5_group *group, bool *is_group, oct_error *err)
{
    h5_messages walk;
    h5_message message;
    bool more;
    *is_group = false;
    OCT_TRY(h5_messages_begin(h5, group->address, &walk, err));
    for (;;) {
        OCT_TRY(h5_messages_next(&walk, &message, &more, err));
        if (!more)
            return OCT_OK;
        if (message.type == H5_MESSAGE_LINK || message.type == H5_MESSAGE_LINK_INFO)
            return oct_fail_at(err, OCT_E_UNSUPPORTED, (int64_t)group->address,
                "HDF5 group of the newer format; write the file again with h5py's default "
                "libver='earliest'");
        if (message.type == H5_MESSAGE_SYMBOL_TABLE)
            break;
    }
    uint64_t tree = h5_number(&message.body, 8), heap_address = h5_number(&message.body, 8);
    if (message.body.bad)
        return damaged(err, group->address, "symbol table message");
    h5_cursor heap;
    OCT_TRY(open_heap(h5, heap_address, &heap, err));
    OCT_TRY(read_tree(h5, tree, heap, 0, group, err));
    if (group->count > 1)
        qsort(group->links, group->count, sizeof *group->links, by_name);
    *is_group = true;
    return OCT_OK;
}

static size_t slot_of(const oct_h5 *h5, uint64_t address)
{
    size_t slot = (size_t)((address * 0x9e3779b97f4a7c15u) >> 20) & (h5->group_slots - 1);
    while (h5->groups[slot] != NULL && h5->groups[slot]->address != address)
        slot = (slot + 1) & (h5->group_slots - 1);
    return slot;
}

static oct_status grow_table(oct_h5 *h5, oct_error *err)
{
    if (2 * (h5->group_count + 1) <= h5->group_slots)
        return OCT_OK;
    size_t old_slots = h5->group_slots, slots = old_slots == 0 ? 64 : 2 * old_slots;
    h5_group **old = h5->groups, **groups = calloc(slots, sizeof(h5_group *));
    if (groups == NULL)
        return oct_fail_memory(err, slots * sizeof(h5_group *), "the groups of an HDF5 file");
    h5->groups = groups;
    h5->group_slots = slots;
    for (size_t i = 0; i < old_slots; i++)
        if (old[i] != NULL)
            groups[slot_of(h5, old[i]->address)] = old[i];
    free(old);
    return OCT_OK;
}

static oct_status open_group(oct_h5 *h5, uint64_t address, const h5_group **out, oct_error *err)
{
    OCT_TRY(grow_table(h5, err));
    size_t slot = slot_of(h5, address);
    *out = h5->groups[slot];
    if (*out != NULL)
        return OCT_OK;
    h5_group *group = calloc(1, sizeof *group);
    if (group == NULL)
        return oct_fail_memory(err, sizeof *group, "an HDF5 group");
    group->address = address;
    bool is_group;
    oct_status status = read_group(h5, group, &is_group, err);
    if (status != OCT_OK || !is_group) {
        free(group->links);
        free(group);
        return status;
    }
    h5->groups[slot] = group;
    h5->group_count++;
    *out = group;
    return OCT_OK;
}

static int compare_name(const char *name, size_t length, const char *other)
{
    int order = strncmp(name, other, length);
    return order != 0 ? order : other[length] == 0 ? 0 : -1;
}

static const h5_link *find_link(const h5_group *group, const char *name, size_t length)
{
    size_t low = 0, high = group->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_name(name, length, group->links[middle].name);
        if (order == 0)
            return &group->links[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

oct_status oct_h5_find(oct_h5 *h5, uint64_t group, const char *path, uint64_t *object, bool *found,
    oct_error *err)
{
    *found = false;
    for (const char *at = path; *at != 0;) {
        size_t length = strcspn(at, "/");
        if (length > 0) {
            OCT_TRY(h5_charge(h5, 1 + length / 16, err));
            const h5_group *entries;
            oct_status status = open_group(h5, group, &entries, err);
            if (status != OCT_OK)
                return oct_error_prefix(err, status, "%s", path);
            const h5_link *link = entries == NULL ? NULL : find_link(entries, at, length);
            if (link == NULL)
                return OCT_OK;
            if (link->soft)
                return oct_fail(err, OCT_E_UNSUPPORTED, "%s: is a soft link; links are not followed",
                    path);
            group = link->object;
        }
        at += length + (at[length] == '/');
    }
    *object = group;
    *found = true;
    return OCT_OK;
}
