package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;

/**
 * What the device can do at most, as it is measured: the best of many launches, since an idle device's first ones may be
 * slower, each so long that the few microseconds of beginning and ending it do not count.
 *
 * @param bytesPerSecond of a plain read of memory
 * @param operationsPerSecond of products of registers on tensor cores, fp16 to fp32
 */
record Ceilings(double bytesPerSecond, double operationsPerSecond) {
    private static final int REPETITIONS = 100;
    private static final int ROUNDS = 4000;

    static Ceilings measure(ProbeOperations probe, EventTimer timer, DeviceMemory memory) {
        double read = fastest(timer, () -> probe.read(memory));
        double multiply = fastest(timer, () -> probe.multiply(ROUNDS));
        return new Ceilings(memory.byteSize() / read, probe.operations(ROUNDS) / multiply);
    }

    private static double fastest(EventTimer timer, Runnable work) {
        double fastest = timer.seconds(work);
        for (int i = 0; i < REPETITIONS; i++) {
            fastest = Math.min(fastest, timer.seconds(work));
        }
        return fastest;
    }
}
