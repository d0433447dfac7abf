/*
 * pace.cu   holds a stream of copies as long as a slower link would, to study machines that have one
 *
 *   begin   begun = now
 *   end     returns at begun + nanos
 *
 * A copy put between the two takes at least `nanos`, and moves no byte more than without: host memory is as busy as it would
 * be on the simulated machine.
 *
 * layout   begun one int64, nanoseconds of the device's clock; one for each stream, whose work runs one after the other
 * bytes    8 each               bound: none; beginning and ending them adds some microseconds to each copy
 * launch   one block of one thread. It stays resident while it waits, so kernels whose blocks wait for each other must leave
 *          room for a warp of each stream (DecodeExperts)
 * checked in Java   nanos is not negative; begin is in the stream before end
 * checked by   PacedLinkTest
 *
 * The wait has a bound: end returns within `nanos` of its own beginning, whatever `begun` holds. The clock of some devices
 * ticks once a microsecond only, and a wait may be shorter by one tick.
 */
#include "common.cuh"

constexpr int64_t LONGEST_SLEEP = 500000;

extern "C" __global__ void __launch_bounds__(WARP) gatun_pace_begin(int64_t *begun) {
    *begun = nanoseconds();
}

extern "C" __global__ void __launch_bounds__(WARP) gatun_pace_end(const int64_t *begun, int64_t nanos) {
    int64_t until = min(*begun, nanoseconds()) + nanos;
    for (int64_t left = until - nanoseconds(); left > 0; left = until - nanoseconds()) {
        // A sleep takes up to twice as long as it is asked for.
        __nanosleep((unsigned)min(left / 2, LONGEST_SLEEP));
    }
}
