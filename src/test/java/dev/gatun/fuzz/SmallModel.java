package dev.gatun.fuzz;

import dev.gatun.checkpoint.CheckpointWriter;
import dev.gatun.checkpoint.GatunFolder;
import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.checkpoint.TinyCheckpoints;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowScheme;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whole models, each of some KB, in every layout there is. */
enum SmallModel {
    /** Unquantized, in two shards. */
    PLAIN {
        @Override
        void writeWeights(Path folder, long seed) {
            MixtralConfig config = TinyCheckpoints.smallConfig();
            CheckpointWriter.writeHuggingFace(folder, config, TinyCheckpoints.dense(config, FloatType.BF16, seed), 2);
        }
    },
    /** The published offloading checkpoint's layout, a file for each expert. */
    OFFLOADING {
        @Override
        void writeWeights(Path folder, long seed) {
            MixtralConfig config = TinyCheckpoints.smallConfig();
            CheckpointWriter.writeOffloading(folder, config, TinyCheckpoints.quantized(config, seed));
        }
    },
    /** The published layout with experts of 3 bits, which {@code quantization.json} describes. */
    THREE_BITS {
        @Override
        void writeWeights(Path folder, long seed) throws IOException {
            MixtralConfig config = TinyCheckpoints.tileableConfig();
            CheckpointWriter.writeOffloading(
                    folder,
                    config,
                    TinyCheckpoints.quantized(config, new HqqScheme(4, 16, 8), new HqqScheme(3, 8, 16), seed));
            Files.writeString(folder.resolve("quantization.json"), """
                    {"attention": {"weight_quant_params": {"nbits": 4, "group_size": 16}, "scale_quant_params": {"group_size": 8}},
                    "experts": {"weight_quant_params": {"nbits": 3, "group_size": 8}, "scale_quant_params": {"group_size": 16}},
                    "row_order": "native"}
                    """);
        }
    },
    /** Gatun's own, tiles with 4-bit scales. */
    TILES {
        @Override
        void writeWeights(Path folder, long seed) {
            MixtralConfig config = TinyCheckpoints.tileableConfig();
            GatunFolder.write(
                    folder,
                    config,
                    TinyCheckpoints.narrow(config, new NarrowScheme(4, 8), new NarrowScheme(2, 16), seed));
        }
    },
    /** Gatun's own, tiles with 8-bit scales. */
    WIDE_TILES {
        @Override
        void writeWeights(Path folder, long seed) {
            MixtralConfig config = TinyCheckpoints.tileableConfig();
            GatunFolder.write(
                    folder,
                    config,
                    TinyCheckpoints.quantized(config, new HqqScheme(4, 8, 8), new HqqScheme(2, 16, 8), seed));
        }
    },
    /** Gatun's own, with codes of 3 bits. */
    THREE_BIT_MATRICES {
        @Override
        void writeWeights(Path folder, long seed) {
            writeMatrices(folder, new NarrowScheme(3, 8), seed);
        }
    },
    /** Gatun's own, with matrices that are no tiles. */
    MATRICES {
        @Override
        void writeWeights(Path folder, long seed) {
            writeMatrices(folder, new NarrowScheme(4, 8), seed);
        }
    };

    private static void writeMatrices(Path folder, NarrowScheme scheme, long seed) {
        MixtralConfig config = TinyCheckpoints.tileableConfig();
        GatunFolder.writeMatrices(folder, config, TinyCheckpoints.narrow(config, scheme, scheme, seed));
    }

    abstract void writeWeights(Path folder, long seed) throws IOException;

    /** Writes the weights and everything that lies beside them. */
    void write(Path folder, long seed) throws IOException {
        writeWeights(folder, seed);
        Files.writeString(folder.resolve("tokenizer.json"), SmallTokenizer.json(false));
        Files.writeString(folder.resolve("generation_config.json"), """
                {"do_sample": true, "temperature": 0.7, "top_p": 0.9, "top_k": 20, "min_p": 0.01,
                "repetition_penalty": 1.1, "bos_token_id": 1, "eos_token_id": [2, 3]}
                """);
    }
}
