package dev.gatun.bench;

import dev.gatun.offload.ModelShape;
import dev.gatun.offload.OffloadOptions;
import dev.gatun.quant.TileFormat;
import java.util.OptionalDouble;

/**
 * A synthetic model to measure: well-formed random weights, 4-bit attention and 2-bit experts.
 *
 * @param shape its name and shape
 * @param experts how its experts are quantized
 * @param routing how its router chooses
 * @param offload how it is to run
 * @param oneWay whether copies to the GPU and back take turns, for comparison
 * @param context tokens of a sequence
 * @param times whether the GPU takes times
 * @param threads CPU threads that compute missing experts; 0 for one per processor
 * @param simulatedLink bytes a second, each way, that copies of experts are slowed to; empty to copy as fast as it goes
 */
public record SyntheticRequest(
        ModelShape shape,
        TileFormat experts,
        RoutingPreset routing,
        OffloadOptions offload,
        boolean oneWay,
        int context,
        boolean times,
        int threads,
        OptionalDouble simulatedLink) {}
