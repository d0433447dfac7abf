package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.checkpoint.MixtralConfig;
import org.junit.jupiter.api.Test;

/** Against bytes that were added up by hand. */
class ChunkWorkspaceTest {
    private static final MixtralConfig LARGE = KnownModel.MIXTRAL_8X7B.config();

    @Test
    void ofAttentionAndExpertsTheLargerCounts() {
        // Results, inputs in fp16 with factors, h in fp16 with cells and factors.
        long experts = 4096L * 4096 * 4 + 2048 * (4096 * 2 + 4) + 4096L * (14336 * 2 + 112 + 4);
        assertThat(new ChunkWorkspace(LARGE, 2048, true).shared()).isEqualTo(experts);
        // Normed, queries, attended, keys and values, inputs in fp16 with factors, sums.
        long attention = 2048L * 4 * (3 * 4096 + 2 * 1024) + 2048 * (4096 * 2 + 4) + 32768 * (128 + 2) * 4;
        assertThat(new ChunkWorkspace(withIntermediate(128), 2048, true).shared())
                .isEqualTo(attention);
    }

    @Test
    void expertsInOtherFormatsKeepWiderValues() {
        long experts = 4096L * 4096 * 4 + 4096L * 14336 * 4;
        assertThat(new ChunkWorkspace(LARGE, 2048, false).shared()).isEqualTo(experts);
    }

    @Test
    void fewTokensHaveRoomForTheSumsOfEight() {
        // Two results; sums of gate and up of 16 choices in 4 slices, and of down in 64.
        long experts = 2 * 4096 * 4 + 16 * 4 * (2 * 65536 * 4 + 4096 * 64);
        assertThat(new ChunkWorkspace(withIntermediate(65536), 1, true).shared())
                .isEqualTo(experts);
        // All of attention for one token, factors in 256 bytes, and the sums of a chunk.
        long attention = 4 * (3 * 4096 + 2 * 1024) + 4096 * 2 + 256 + 32768 * (128 + 2) * 4;
        assertThat(new ChunkWorkspace(LARGE, 1, true).shared()).isEqualTo(attention);
    }

    @Test
    void whatIsSharedCountsOnce() {
        ChunkWorkspace workspace = new ChunkWorkspace(LARGE, 2048, true);
        long stream = 2048L * 4096 * 4;
        assertThat(workspace.pieces().sum())
                .isBetween(stream + workspace.shared(), stream + workspace.shared() + (2 << 20));
    }

    private static MixtralConfig withIntermediate(int size) {
        return new MixtralConfig(
                LARGE.hiddenSize(),
                size,
                LARGE.layers(),
                LARGE.heads(),
                LARGE.kvHeads(),
                LARGE.headSize(),
                LARGE.experts(),
                LARGE.expertsPerToken(),
                LARGE.vocabularySize(),
                LARGE.maxPositions(),
                LARGE.ropeTheta(),
                LARGE.normEpsilon(),
                LARGE.slidingWindow(),
                LARGE.tiedEmbeddings());
    }
}
