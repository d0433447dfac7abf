package dev.gatun.quantize;

import java.util.List;

/** Counts weights that are quantized. Any thread may use it; the listener hears of one at a time. */
final class Progress {
    private final Quantization.Listener listener;
    private final long all;
    private long weights;

    Progress(List<PlannedMatrix> matrices, Quantization.Listener listener) {
        this.all = matrices.stream().mapToLong(PlannedMatrix::weights).sum();
        this.listener = listener;
        listener.quantized(0, all);
    }

    /** So many more are done. */
    synchronized void done(long more) {
        weights += more;
        listener.quantized(weights, all);
    }

    /** As many as before: the listener may end the work between matrices that count nothing. */
    void tell() {
        done(0);
    }

    /** All are. */
    synchronized void finish() {
        done(all - weights);
    }
}
