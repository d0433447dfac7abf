package dev.gatun.engine.cuda;

import dev.gatun.cpu.FloatMatrix;
import dev.gatun.cuda.KernelArguments;
import java.lang.foreign.MemorySegment;

/**
 * What device and host hand each other where the host computes experts: three arrays in mapped memory, beside the words of
 * {@link PublishedChoices}. Nobody waits for a stream, and the device never waits for the host in a kernel.
 *
 * <pre>
 * field                      written by                                  read by
 * inputs[token][hidden]      router, for each layer                      host, while it computes that layer
 * weights[token][topK]       router, likewise                            host, likewise
 * word[layer][token]         router, last: then the host sets it to 0    host, which waits for it
 * outputs[token][hidden]     host, before it puts the adding in          the adding kernel
 * </pre>
 *
 * <p>Order, for one layer:
 * <ol>
 *   <li>The router's block writes inputs and weights; all its threads meet; one of them makes that visible to the host
 *       ({@code __threadfence_system}) and then writes the word, in one store.
 *   <li>The host sees the word (an acquiring load), and with it inputs and weights. It puts copies in; its threads begin to
 *       compute their experts and write outputs; it puts in the experts that the device computes, and works along.
 *   <li>When its threads have ended the host puts the adding kernel in: a launch makes all that the host wrote before visible
 *       to the kernel, which reads past all caches.
 *   <li>The host puts in the next layer's attention and router, behind the adding.
 * </ol>
 *
 * <p>Why a place can be used again: the next router writes inputs and weights after it was put in, which the host does when
 * it has read the last of them (3 before 4). The host writes outputs for the next layer after it saw that layer's word, which
 * its router wrote behind the adding, in the stream's order; so the adding has read them. A word is set to 0 by the host before
 * it puts in what leads to the next word in that place. Places of a chunk's other tokens are others.
 *
 * <p>What bounds each wait: the host's for the word ends with an exception as soon as the stream is idle without it. The
 * device's for the host is no wait of a kernel: the stream is empty, and a host that gives up leaves it so. If a chunk fails
 * half way, the stream is drained and the words are cleared before the next chunk ({@link ChoiceWords#clear}).
 */
interface HandOff {
    /**
     * The arrays as the host sees them.
     *
     * @param inputs [tokens, hidden]
     * @param weights [tokens, topK] float32
     * @param outputs [tokens, hidden]
     */
    record HostSide(FloatMatrix inputs, MemorySegment weights, int topK, FloatMatrix outputs) {
        /** The weight of a token's choice, one float32. */
        MemorySegment weight(int token, int rank) {
            return weights.asSlice(((long) token * topK + rank) * Float.BYTES, Float.BYTES);
        }

        /** Sets a token's output to zero, for experts to be added to. */
        void clear(int token) {
            outputs.rows(token, 1).segment().fill((byte) 0);
        }
    }

    /** What the host reads and writes. */
    HostSide host();

    /** Has a router leave its inputs and weights here. */
    void setRouter(KernelArguments router, int inputs, int weights);

    /**
     * Puts in that outputs, which are complete, are added to the residual stream.
     *
     * @param token the first of them
     * @param hidden its row and those that follow, as many as are added
     */
    void add(int token, DeviceFloats hidden);
}
