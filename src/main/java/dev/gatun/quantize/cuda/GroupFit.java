package dev.gatun.quantize.cuda;

import dev.gatun.cuda.DeviceMemory;

/** A solver's first part: scale and zero of each group. One thread at a time uses it. */
sealed interface GroupFit extends AutoCloseable permits LeastSquaresFit, HqqFit {
    /**
     * Finds scales and zeros, in the stream's order.
     *
     * @param error an int32; not 0 afterwards if a weight is a NaN or an infinity
     */
    void fit(DeviceGroups groups, DeviceMemory error);

    @Override
    void close();
}
