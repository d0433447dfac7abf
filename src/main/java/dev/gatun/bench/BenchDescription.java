package dev.gatun.bench;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.offload.ModelSizes;
import java.util.OptionalLong;

/**
 * What a benchmark measures, for its report and for the bound.
 *
 * @param model the model's name
 * @param sizes what it takes
 * @param backend {@code "cpu"} or {@code "cuda"}
 * @param device backend and device for people: {@code "cpu (avx2, 2 threads)"}
 * @param gpuMemory the budget on the device, in bytes; empty where there is none
 * @param hostMemory bytes of page-locked host memory that weights lie in
 * @param operationsPerToken multiplications and additions of a token of a prompt, without attention over positions
 */
public record BenchDescription(
        String model,
        ModelSizes sizes,
        String backend,
        String device,
        OptionalLong gpuMemory,
        long hostMemory,
        double operationsPerToken) {
    /** Bytes of all weights. */
    public long bytes() {
        return sizes.trunk() + sizes.allExperts() * sizes.expert();
    }

    /** Describes a model: its operations follow from its shape. */
    public static BenchDescription of(
            String model,
            MixtralConfig config,
            ModelSizes sizes,
            String backend,
            String device,
            OptionalLong gpuMemory,
            long hostMemory) {
        return new BenchDescription(model, sizes, backend, device, gpuMemory, hostMemory, operations(config));
    }

    /** Two for each weight that a token meets; the head counts once a prompt, and is left out. */
    private static double operations(MixtralConfig config) {
        double hidden = config.hiddenSize();
        double attention = 2 * hidden * (config.heads() + config.kvHeads()) * config.headSize();
        double experts = 3 * hidden * config.intermediateSize() * config.expertsPerToken();
        return 2 * config.layers() * (attention + experts + hidden * config.experts());
    }
}
