package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.PinnedBuffer;

/**
 * Routers' choices on their way to a host that waits for them without waiting for a stream: a word of mapped memory for each
 * token of each place, written by {@code route.cu} in one store. See {@link ChoiceWords}.
 */
final class PublishedChoices implements AutoCloseable {
    private final PinnedBuffer memory;
    private final ChoiceWords words;

    /**
     * Takes memory.
     *
     * @param places choices that can be awaited at the same time
     * @param tokens the most tokens of a choice
     */
    PublishedChoices(CudaDevice device, int places, int tokens, int topK) {
        this.memory = PinnedBuffer.allocate(device, (long) places * tokens * Long.BYTES);
        this.words = new ChoiceWords(memory.segment(), tokens, topK);
    }

    /** What kernels write to. */
    PinnedBuffer memory() {
        return memory;
    }

    /** What the host reads. */
    ChoiceWords words() {
        return words;
    }

    /** The most tokens of a choice. */
    int tokens() {
        return words.tokens();
    }

    /** The first word of a place. */
    int firstWord(int place) {
        return place * words.tokens();
    }

    @Override
    public void close() {
        memory.close();
    }
}
