package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.engine.KvCache;
import dev.gatun.offload.HostMode;
import dev.gatun.offload.KeyValueBudget;
import dev.gatun.offload.MemoryBudget;
import dev.gatun.offload.MemoryPlan;
import dev.gatun.offload.ModelSizes;
import dev.gatun.offload.OffloadOptions;
import dev.gatun.offload.PlanException;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * How much of a device's memory one model may use. Whether its experts are all resident is decided before anything is taken;
 * how many slots there are, once all else is there, from what the driver says is left.
 *
 * @param size the budget in bytes, CUDA's own context included
 * @param free what was free before anything was taken
 * @param isOffloaded whether not all experts are resident
 * @param embeddingsInHost whether the embeddings are to lie in pinned host memory
 */
record DeviceBudget(
        CudaDevice device,
        ModelSizes model,
        OffloadOptions options,
        long size,
        long free,
        boolean isOffloaded,
        boolean embeddingsInHost) {
    /** What streams, events and small pieces take that are made after the slots. */
    private static final long RESERVE = 48L << 20;

    /**
     * More than a context takes: others must be using the device. And less than {@link OffloadOptions#MARGIN} and
     * {@link MemoryPlan#RUNTIME} together, so that what is planned beside others never exceeds what is free.
     */
    private static final long LARGEST_CONTEXT = 800L << 20;

    /**
     * Decides.
     *
     * @throws UnsupportedModelException if the model does not fit
     */
    static DeviceBudget of(CudaDevice device, CudaModel model, OffloadOptions options) {
        long free = device.freeMemory();
        long size = options.gpuMemory().orElse(free + contextBytes(device, free) - OffloadOptions.MARGIN);
        DeviceBudget undecided = new DeviceBudget(device, model.sizes(), options, size, free, false, false);
        return undecided.decided(model);
    }

    /**
     * This budget where host memory for the embeddings could not be pinned.
     *
     * @throws UnsupportedModelException if the model does not fit so
     */
    DeviceBudget withEmbeddingsOnDevice(CudaModel model) {
        ModelSizes sizes =
                model.sizes().withResident(model.sizes().trunk(), model.sizes().workspace());
        return new DeviceBudget(device, sizes, options, size, free, false, false).decided(model);
    }

    private DeviceBudget decided(CudaModel of) {
        MemoryPlan plan = plan(model, options.mostSlots(), 0);
        boolean offloads = plan.hostMode() != HostMode.NONE;
        if (offloads && of.experts().isEmpty()) {
            throw new UnsupportedModelException(
                    "the model needs %.1f GiB of GPU memory, there are %.1f on %s; only 2-bit experts can lie in host memory"
                            .formatted(
                                    gibibytes(MemoryPlan.RUNTIME
                                            + model.resident(options.context())
                                            - model.embeddings()),
                                    gibibytes(size),
                                    device.properties().name()));
        }
        return new DeviceBudget(device, model, options, size, free, offloads, plan.embeddingsInHost());
    }

    /** What is there of the device's memory before anything was taken is taken to be the context's, within reason. */
    private static long contextBytes(CudaDevice device, long free) {
        return Math.min(device.properties().totalMemory() - free, LARGEST_CONTEXT);
    }

    /**
     * What remains for experts, now that everything else but keys and values is there: of a model that is offloaded never room
     * for all, even if less was taken than was planned, since the host was decided on by the first plan.
     *
     * @throws UnsupportedModelException if that is too little
     */
    MemoryPlan plan() {
        ModelSizes sizes = model.withResident(taken() + RESERVE - MemoryPlan.RUNTIME, 0);
        int most = Math.min(options.mostSlots().orElse(Integer.MAX_VALUE), model.allExperts() - 1);
        return plan(sizes, OptionalInt.of(most), embeddingsInHost ? model.embeddings() : 0);
    }

    /** What remains for keys and values, now that everything else is there; never less than what was planned for them. */
    KeyValueBudget keyValues() {
        if (!isOffloaded && options.gpuMemory().isEmpty()) {
            return KeyValueBudget.unlimited();
        }
        long planned = context() * model.keyValues();
        return new KeyValueBudget(model.keyValues(), Math.max(planned, size - taken()));
    }

    private int context() {
        return options.context() > 0 ? options.context() : KvCache.USUAL_CAPACITY;
    }

    /** Bytes of the device's memory that are in use for the model, CUDA's own context included. */
    long taken() {
        return contextBytes(device, free) + free - device.freeMemory();
    }

    /** A plan for a host of which some bytes are pinned already. */
    private MemoryPlan plan(ModelSizes sizes, OptionalInt mostSlots, long pinned) {
        OptionalLong host = options.hostMemory().isPresent() ? options.hostMemory() : HostMemory.usable();
        OptionalLong left = host.isPresent() ? OptionalLong.of(Math.max(0, host.getAsLong() - pinned)) : host;
        try {
            return MemoryPlan.of(sizes, new MemoryBudget(size, left, options.hostMode(), mostSlots, context()));
        } catch (PlanException impossible) {
            throw new UnsupportedModelException(impossible.getMessage());
        }
    }

    private static double gibibytes(long bytes) {
        return bytes / (double) (1 << 30);
    }
}
