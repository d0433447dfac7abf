package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.RequiresGpu;
import dev.gatun.engine.ConvertedModel;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.OpenModel;
import dev.gatun.engine.ReferenceFolder;
import dev.gatun.offload.MissMode;
import dev.gatun.offload.OffloadOptions;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The quantized reference model gives the same bits in Gatun's own format, all experts resident or not. */
@Tag("model")
@RequiresGpu
class CudaTilesTest {
    private static final int CAPACITY = 512;

    @TempDir
    Path folder;

    private static float[] logits(Path model, OffloadOptions options) {
        int[] ids = ReferenceFolder.quantized().prompt("medium").ids();
        try (OpenModel opened = OpenModel.open(
                        model,
                        checkpoint -> new CudaBackend(
                                CudaDevice.open(0),
                                CudaModel.of(checkpoint.config(), checkpoint.weights()),
                                options,
                                CudaOptions.defaults(),
                                (bytes, total) -> {}));
                KvCache cache = opened.backend().newKvCache(CAPACITY, KvPrecision.F16)) {
            opened.feed(ids, cache, 1, CAPACITY);
            return opened.feed(cache, 7);
        }
    }

    @Test
    void theFormatChangesNoBit() {
        ConvertedModel.write(folder);
        float[] expected = logits(ReferenceFolder.quantized().model(), OffloadOptions.defaults());
        for (OffloadOptions options : new OffloadOptions[] {
            OffloadOptions.defaults(),
            OffloadOptions.defaults().withMisses(MissMode.FETCH).withMostSlots(17)
        }) {
            assertThat(Arrays.equals(logits(folder, options), expected))
                    .as("%s", options)
                    .isTrue();
        }
    }
}
