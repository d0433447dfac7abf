package dev.gatun.checkpoint;

import dev.gatun.input.Quoted;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Tells a folder that may hold a Mixtral from the other things people point at, and says what those are. */
final class ModelFolder {
    static final String WHAT_IS_READ = "Gatun reads Mixtral models as Hugging Face folders (config.json and safetensors"
            + " files: bf16, fp16, fp32, the HQQ offloading checkpoint, or Gatun's own format)";

    private ModelFolder() {}

    /**
     * Checks what can be seen from the names of the files.
     *
     * @throws CheckpointException if one is no folder, or without a configuration or safetensors files
     */
    static void require(CheckpointSource source) {
        Path folder = source.weights();
        requireFolder(folder);
        boolean isApart = !source.config().equals(folder);
        if (isApart) {
            requireConfig(source.config());
        }
        List<String> files = files(folder);
        refuseUnfinished(folder, files);
        boolean hasConfig = isApart || files.contains("config.json");
        if (holds(files, ".safetensors") && hasConfig) {
            return;
        }
        if (!holds(files, ".safetensors")) {
            refuseOtherWeights(folder, files);
        }
        String missing = hasConfig ? "*.safetensors file" : "config.json";
        throw problem(folder, "this folder has no " + missing + ", so it is no model; " + WHAT_IS_READ);
    }

    private static void requireConfig(Path folder) {
        requireFolder(folder);
        if (!Files.isRegularFile(folder.resolve("config.json"))) {
            throw problem(folder, "this folder has no config.json to read the model's shape from");
        }
    }

    /** {@link GatunWriter} writes checksums as it goes, and the index last. */
    private static void refuseUnfinished(Path folder, List<String> files) {
        boolean isFinished = files.contains(ShardIndex.NAME) || files.contains("model.safetensors");
        if (files.contains(Checksums.NAME) && !isFinished) {
            throw problem(folder, "this model is unfinished; run the command that writes it again, which goes on");
        }
    }

    static void requireFolder(Path folder) {
        if (Files.isDirectory(folder)) {
            return;
        }
        if (!Files.exists(folder)) {
            throw problem(folder, "no such folder; check the path");
        }
        if (hasEnding(folder.toString(), ".gguf")) {
            throw problem(folder, "a GGUF file; " + WHAT_IS_READ);
        }
        throw problem(folder, "a file, not a folder; " + WHAT_IS_READ);
    }

    private static void refuseOtherWeights(Path folder, List<String> files) {
        if (holds(files, ".gguf")) {
            throw problem(folder, "this folder holds a GGUF file; " + WHAT_IS_READ);
        }
        if (Stream.of(".bin", ".pt", ".pth").anyMatch(ending -> holds(files, ending))) {
            throw problem(folder, "this folder holds PyTorch pickles, which can run any code; " + WHAT_IS_READ);
        }
    }

    private static boolean holds(List<String> files, String ending) {
        return files.stream().anyMatch(file -> hasEnding(file, ending));
    }

    private static boolean hasEnding(String file, String ending) {
        return file.regionMatches(true, file.length() - ending.length(), ending, 0, ending.length());
    }

    private static List<String> files(Path folder) {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
            entries.forEach(entry -> names.add(entry.getFileName().toString()));
        } catch (IOException problem) {
            throw TextFiles.unreadable(folder, problem);
        } catch (DirectoryIteratorException problem) {
            throw TextFiles.unreadable(folder, problem.getCause());
        }
        return names;
    }

    private static CheckpointException problem(Path folder, String what) {
        return new CheckpointException(Quoted.of(folder) + ": " + what);
    }
}
