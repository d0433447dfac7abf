package dev.gatun.engine.cuda;

import dev.gatun.cpu.FloatMatrix;
import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import java.lang.foreign.MemorySegment;
import java.time.Duration;

/**
 * What device and host hand each other where the host computes experts: three arrays and a word in mapped memory, beside the
 * words of {@link PublishedChoices}. The host waits for no stream; the device waits for the host in one kernel, the adding,
 * which the host mostly puts in before it has ended: with what follows it, so that the device goes on at once.
 *
 * <pre>
 * field                      written by                                  read by
 * inputs[token][hidden]      router, for each layer                      host, while it computes that layer
 * weights[token][topK]       router, likewise                            host, likewise
 * choice[layer][token]       router, last: then the host sets it to 0    host, which waits for it
 * outputs[token][hidden]     host, while it computes                     the adding kernel
 * ended                      host, last: the number of its part          the adding kernel, which waits for it
 * </pre>
 *
 * <p>Order, for one part of the host, which is one token in one layer:
 * <ol>
 *   <li>The router's block writes inputs and weights; all its threads meet; one of them makes that visible to the host
 *       ({@code __threadfence_system}) and then writes the choice, in one store.
 *   <li>The host sees the choice (an acquiring load), and with it inputs and weights. Its threads begin to compute their
 *       experts and write outputs; it takes the next number, and puts in copies and the experts that the device computes.
 *   <li>The host puts in the adding with that number, and behind it the next layer's attention and router.
 *   <li>The host works along until its threads have ended, and then writes its number to {@code ended} (a releasing store).
 *   <li>In each block of the adding one thread looks at {@code ended} (an acquiring load) until it is no less than the
 *       kernel's number; then all of the block read outputs, past all caches.
 *   <li>Only then does the host wait for the next choice, or for the logits.
 * </ol>
 *
 * <p>Why a place can be used again. Inputs and weights: the next router is in the stream while the host reads them, but behind
 * the adding, which ends when the host has ended, or has failed the chunk by being late. Outputs: the host writes those of the
 * next layer after it saw that layer's choice, whose router ran behind the adding. A choice is set to 0 by the host before it
 * puts in what leads to the next one in that place. Places of a chunk's other tokens are others.
 *
 * <p>Why one word is enough: the host has one part at a time, and begins the next when the one before has ended. Numbers rise
 * by one with each and are never used again, so a kernel that is late, behind others of its chunk, sees a higher number.
 *
 * <p>What bounds each wait. The host's for the choice ends with an exception as soon as the stream is idle without it. The
 * device's for the host: the host writes {@code ended} however its part ends, also where its threads or a launch behind the
 * adding fail or the pass is given up ({@link HostTurn}), and before it waits for the device itself ({@link CudaBackend},
 * {@link HostFirst}). A host that is stopped for {@link #PATIENCE} makes the kernel set the layer's error word and add
 * nothing; the chunk fails when it is awaited. A device whose kernels are not to wait ({@link CudaDevice#mayWaitForHost}) gets
 * the adding after the host has ended. No other thread calls this backend during a chunk, nor closes a cache of it. One that
 * takes or frees memory of the device for another model meanwhile waits as long as the host computes; if the driver holds up
 * the launches of this one for that, the patience ends both. If a chunk fails half way, the stream is drained and the choices
 * are cleared before the next chunk ({@link ChoiceWords#clear}).
 */
interface HandOff {
    /** How long a kernel waits for a host that is stopped. */
    Duration PATIENCE = Duration.ofSeconds(10);

    /**
     * The arrays as the host sees them.
     *
     * @param inputs [tokens, hidden]
     * @param weights [tokens, topK] float32
     * @param outputs [tokens, hidden]
     * @param ended which parts have ended
     */
    record HostSide(FloatMatrix inputs, MemorySegment weights, int topK, FloatMatrix outputs, HostWord ended) {
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
     * Puts in that outputs are added to rows of the residual stream, when the host's part that was begun last has ended.
     *
     * @param token the first one's row of the outputs
     * @param hidden the rows
     * @param error the layer's error word
     */
    void add(int token, DeviceFloats hidden, DeviceMemory error);
}
