package org.octavo.app;

import static org.junit.Assert.assertEquals;

import org.junit.Test;

public final class MedianTest {
    /** Ranks by the binomial quantile: scipy 1.17.1, binom.ppf(0.025, n, 0.5) for each n. */
    @Test
    public void ranksAreThoseOfTheBinomial() {
        int[][] cases = {{6, 1}, {9, 2}, {10, 2}, {15, 4}, {20, 6}, {100, 40}, {1000, 469}};
        for (int[] c : cases) assertEquals("n = " + c[0], c[1], Median.rank(c[0]));
        assertEquals(0, Median.rank(5));
    }

    @Test
    public void medianLiesInItsInterval() {
        double[] times = {9, 1, 8, 2, 7, 3, 6, 4, 5, 10};
        Median median = new Median(times);
        assertEquals(5.5, median.value, 0);
        assertEquals(2, median.low, 0);
        assertEquals(9, median.high, 0);
        assertEquals(9, times[0], 0);
        Median single = new Median(new double[] {4});
        assertEquals(4, single.low, 0);
        assertEquals(4, single.high, 0);
    }
}
