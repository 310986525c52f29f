package org.octavo.app;

import java.util.Arrays;

/**
 * A median with an interval that needs no distribution: order statistics that hold the true median
 * in at least 95 % of cases, by the binomial distribution. The command's own latencies use the same.
 */
final class Median {
    final double value;
    final double low;
    final double high;

    Median(double[] times) {
        double[] sorted = times.clone();
        Arrays.sort(sorted);
        int n = sorted.length;
        value = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
        int rank = Math.max(rank(n), 1);
        low = sorted[rank - 1];
        high = sorted[n - rank];
    }

    /** The largest k with P(Binomial(n, 1/2) < k) at most 2.5 %: from the k-th smallest to the k-th largest. */
    static int rank(int n) {
        double log = -n * Math.log(2); // of the probability of i, kept as a logarithm for large n
        double sum = 0;
        for (int i = 0; i < n / 2; i++) {
            sum += Math.exp(log);
            if (sum > 0.025) return i;
            log += Math.log((double) (n - i) / (i + 1));
        }
        return n / 2;
    }
}
