/*
 * COCO's JSON of boxes: "images", "annotations" and "categories".
 */
#ifndef OCT_EVAL_COCO_H
#define OCT_EVAL_COCO_H

#include "eval/source.h"

/**
 * Takes images and boxes of source->root from the JSON file at path: samples are the images sorted
 * by id, boxes those of their annotations. Pictures lie beside the file or in images/.
 * Errors: OCT_E_INVALID (names the file and the entry), OCT_E_SYSTEM, OCT_E_MEMORY.
 */
oct_status oct_coco_open(oct_source *source, const char *path, oct_error *err);

#endif
