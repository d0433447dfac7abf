package dev.gatun.engine;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.GatunConversion;
import dev.gatun.quant.JavaTiler;
import java.nio.file.Path;

/** The quantized reference model in Gatun's own format. */
public final class ConvertedModel {
    private ConvertedModel() {}

    /** Writes it to a folder that holds none, and returns that. */
    public static Path write(Path folder) {
        try (Checkpoint published = Checkpoint.open(ReferenceFolder.quantized().model())) {
            new GatunConversion(published, new JavaTiler()).run(folder, (shards, all) -> {});
        }
        return folder;
    }
}
