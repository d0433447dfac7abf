package dev.gatun.fuzz;

import dev.gatun.text.TextException;
import dev.gatun.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;

/**
 * A {@code tokenizer.json}, which then encodes and decodes.
 *
 * @param name its name here
 * @param json a good one
 */
record TokenizerFormat(String name, String json) implements Format {
    private static final String FILE = "tokenizer.json";
    private static final String TEXT = "The hand and  the bin. <s>\u00e9\ud83d\ude00\u4e2d\ud800</s>\n\0 ";

    @Override
    public void write(Path folder, long seed) throws IOException {
        Files.writeString(folder.resolve(FILE), json);
    }

    @Override
    public boolean damages(String file) {
        return true;
    }

    @Override
    public Mutation damage(String file) {
        return Formats.json();
    }

    @Override
    public void use(Path folder) {
        Tokenizer tokenizer = Tokenizer.load(folder.resolve(FILE));
        int size = tokenizer.vocabularySize();
        for (int id : tokenizer.encodeWithBos(TEXT.repeat(3))) {
            if (id < 0 || id >= size) {
                throw new AssertionError("id " + id + " of " + size);
            }
        }
        tokenizer.decode(IntStream.range(-1, size + 1).toArray(), false);
        tokenizer.decode(tokenizer.encode(TEXT), true);
    }

    @Override
    public boolean isRefusal(Throwable thrown) {
        return thrown instanceof TextException;
    }
}
