/*
 * Boxes of detection models.
 */
#ifndef OCT_OPS_BOX_H
#define OCT_OPS_BOX_H

/* Any two opposite corners. */
typedef struct oct_box { float y1, x1, y2, x2; } oct_box;

static inline float oct_box_least(float a, float b)
{
    return b < a ? b : a;
}

static inline float oct_box_most(float a, float b)
{
    return a < b ? b : a;
}

static inline oct_box oct_box_ordered(oct_box b)
{
    return (oct_box){ oct_box_least(b.y1, b.y2), oct_box_least(b.x1, b.x2),
        oct_box_most(b.y1, b.y2), oct_box_most(b.x1, b.x2) };
}

/** Intersection over union of two ordered boxes in float arithmetic; 0 where one of them has no area. */
static inline float oct_box_overlap(oct_box a, oct_box b)
{
    float area_a = (a.y2 - a.y1) * (a.x2 - a.x1), area_b = (b.y2 - b.y1) * (b.x2 - b.x1);
    if (area_a <= 0 || area_b <= 0)
        return 0;
    float height = oct_box_least(a.y2, b.y2) - oct_box_most(a.y1, b.y1);
    float width = oct_box_least(a.x2, b.x2) - oct_box_most(a.x1, b.x1);
    float common = oct_box_most(height, 0) * oct_box_most(width, 0);
    return common / (area_a + area_b - common);
}

#endif
