package dev.gatun.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

/** The two vocabularies that tests use, and Hugging Face's own library to compare with. */
enum TestVocabulary {
    DEMO(Path.of(System.getProperty("gatun.demo"), "hqq-small", "tokenizer.json"), data("tokenizer-vectors.json")),
    MISTRAL(data("mistral-tokenizer", "tokenizer.json"), data("mistral-tokenizer", "tokenizer-vectors.json"));

    final Path file;
    final Path vectors;

    TestVocabulary(Path file, Path vectors) {
        this.file = file;
        this.vectors = vectors;
    }

    static Path data(String... names) {
        return Path.of(System.getProperty("gatun.test.data"), names);
    }

    Tokenizer tokenizer() {
        return Tokenizer.load(file);
    }

    /** Hugging Face's tokenizer for a file, behind our interface's words. */
    record Oracle(HuggingFaceTokenizer library) implements AutoCloseable {
        static Oracle load(Path file) throws IOException {
            return new Oracle(
                    HuggingFaceTokenizer.newInstance(file, Map.of("truncation", "false", "padding", "false")));
        }

        int[] encode(String text) {
            return ints(library.encode(text, false, false).getIds());
        }

        int[] encodeWithBos(String text) {
            return ints(library.encode(text, true, false).getIds());
        }

        String decode(int[] ids, boolean skipSpecial) {
            return library.decode(Arrays.stream(ids).asLongStream().toArray(), skipSpecial);
        }

        private static int[] ints(long[] ids) {
            return Arrays.stream(ids).mapToInt(Math::toIntExact).toArray();
        }

        @Override
        public void close() {
            library.close();
        }
    }
}
