package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cuda.DeviceBuffer;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.engine.ForcedRouting;
import java.util.Optional;

/** What somebody chooses in the routers' place, on its way to the device: [layers][tokens][expertsPerToken] of a chunk. */
final class ForcedChoices implements AutoCloseable {
    private final ForcedRouting routing;
    private final int experts;
    private final int layers;
    private final int expertsPerToken;
    private final UploadRing ring;
    private final DeviceBuffer device;
    private int tokens;

    ForcedChoices(CudaResources resources, MixtralConfig config, int maxChunk, ForcedRouting routing) {
        int most = Math.multiplyExact(config.layers() * config.expertsPerToken(), maxChunk);
        this.routing = routing;
        this.experts = config.experts();
        this.layers = config.layers();
        this.expertsPerToken = config.expertsPerToken();
        this.device = DeviceBuffer.allocate(resources.stream().device(), (long) most * Integer.BYTES);
        try {
            this.ring = new UploadRing(resources.stream().device(), resources.stream(), most * Integer.BYTES);
        } catch (RuntimeException failure) {
            device.close();
            throw failure;
        }
    }

    /** Has the next chunk chosen, and puts the choices into the stream. */
    void next(int chunk) {
        int[] chosen = new int[layers * chunk * expertsPerToken];
        routing.choose(chunk, chosen);
        requireChoices(chosen, experts, expertsPerToken);
        ring.upload(chosen, device);
        tokens = chunk;
    }

    /** Checks [choices][expertsPerToken] ids: the kernels trust that each choice is of different experts that exist. */
    static void requireChoices(int[] chosen, int experts, int expertsPerToken) {
        for (int at = 0; at < chosen.length; at++) {
            if (chosen[at] < 0 || chosen[at] >= experts) {
                throw new IllegalArgumentException("forced routing: there is no expert " + chosen[at]);
            }
            for (int other = at - at % expertsPerToken; other < at; other++) {
                if (chosen[other] == chosen[at]) {
                    throw new IllegalArgumentException("forced routing: expert " + chosen[at] + " is chosen twice");
                }
            }
        }
    }

    /** The choices of a layer. */
    Optional<DeviceMemory> of(int layer) {
        long bytes = (long) tokens * expertsPerToken * Integer.BYTES;
        return Optional.of(device.slice(layer * bytes, bytes));
    }

    @Override
    public void close() {
        try {
            ring.close();
        } finally {
            device.close();
        }
    }
}
