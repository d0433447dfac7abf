package dev.gatun.checkpoint;

import java.nio.file.Files;
import java.nio.file.Path;

/** Where the models and reference data that tests read lie. */
public final class SampleModels {
    private SampleModels() {}

    /** The small trained Mixtral in bf16, in Hugging Face's layout. */
    public static Path huggingFace() {
        return existing(Path.of(System.getProperty("gatun.test.unpacked"), "mixtral-small"));
    }

    /** The same model quantized by HQQ, in the offloading checkpoint's layout. */
    public static Path offloading() {
        return existing(Path.of(System.getProperty("gatun.demo"), "hqq-small"));
    }

    /** A file of the reference data. */
    public static Path reference(String name) {
        return existing(Path.of(System.getProperty("gatun.test.data"), name));
    }

    private static Path existing(Path path) {
        if (!Files.exists(path)) {
            throw new IllegalStateException(path + " is missing: run `make test`, which unpacks the test data");
        }
        return path;
    }
}
