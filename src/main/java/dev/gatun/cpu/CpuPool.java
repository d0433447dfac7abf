package dev.gatun.cpu;

import dev.gatun.bindings.cpu.CpuLibrary;
import dev.gatun.bindings.cpu.gatun_product;
import dev.gatun.bindings.cpu.gatun_tiled_item;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Threads of the CPU library, and the operations of a transformer on them.
 *
 * <p>Each operation but {@link #begin} returns when its outputs are written. Sums have a fixed order, so that results do not depend on the
 * number of threads. Any thread may call, and calls take turns. Shapes, overlaps and the life of all memory are checked
 * before native code runs: {@link IllegalArgumentException} for arguments that do not fit each other,
 * {@link IllegalStateException} for memory whose arena is closed and for a pool that is, {@link CpuException} for what the
 * library itself reports. Memory must stay alive until the operation returns.
 *
 * <p>Whoever opens a pool closes it; {@link #close} waits for the operation in flight.
 */
public final class CpuPool implements AutoCloseable {
    // An idle thread spins this long before it sleeps: the pause between two operations of a token is shorter, waking a
    // thread costs about as much, and an idle program soon leaves the processors alone.
    private static final Duration SPIN = Duration.ofNanos(50_000);

    // Longer than any pause within a pass over a model.
    private static final Duration LONGEST_SPIN = Duration.ofSeconds(1);

    // The library's own bound: more than any machine has processors.
    private static final int MOST_THREADS = 4096;

    private final int threads;
    private final CpuLevel level;
    // Fair, or a session that calls in a loop would keep the others waiting.
    private final ReentrantLock turn = new ReentrantLock(true);
    private final Scratch scratch = new Scratch();
    private final MemorySegment pool;
    private boolean isClosed;
    // What the holder of the turn began and has not finished.
    private List<TiledWork> begun;

    private CpuPool(int threads, CpuLevel level, MemorySegment pool) {
        this.threads = threads;
        this.level = level;
        this.pool = pool;
    }

    /**
     * Starts a pool.
     *
     * @param threads threads that work on an operation, the caller's included; 1 to 4096
     * @param level the instruction set to use
     * @throws CpuException if the machine lacks the level, or the threads cannot be had
     * @throws dev.gatun.natives.NativeLibraryException if the CPU library cannot be loaded
     */
    public static CpuPool open(int threads, CpuLevel level) {
        return open(threads, level, SPIN);
    }

    /**
     * Starts a pool whose threads are ready for a while after each operation, for operations that follow each other after
     * pauses: to wake a sleeping thread takes some ten microseconds, while one that is ready keeps its processor busy.
     *
     * @param threads threads that work on an operation, the caller's included; 1 to 4096
     * @param level the instruction set to use
     * @param spin how long a thread looks for work before it sleeps, at most a second
     * @throws CpuException if the machine lacks the level, or the threads cannot be had
     * @throws dev.gatun.natives.NativeLibraryException if the CPU library cannot be loaded
     */
    public static CpuPool open(int threads, CpuLevel level, Duration spin) {
        Arguments.requirePositive("threads", threads);
        Arguments.requireAtMost("threads", threads, "the most of a pool", MOST_THREADS);
        if (spin.isNegative() || spin.compareTo(LONGEST_SPIN) > 0) {
            throw new IllegalArgumentException("spin must be from 0 to " + LONGEST_SPIN + ": " + spin);
        }
        int spinMicroseconds = (int) TimeUnit.MICROSECONDS.convert(spin);
        LinkedLibrary.require();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pool = arena.allocate(ValueLayout.ADDRESS);
            CpuException.check(
                    CpuLibrary.gatun_pool_create(threads, level.code(), spinMicroseconds, pool),
                    "start of " + threads + " threads for " + level);
            return new CpuPool(threads, level, pool.get(ValueLayout.ADDRESS, 0));
        }
    }

    /** Threads that work on an operation. */
    public int threads() {
        return threads;
    }

    /** The instruction set in use. */
    public CpuLevel level() {
        return level;
    }

    /**
     * y = x &middot; W&#7488;; see {@link Product}.
     *
     * <p>Sums are float32: about 1e-6 of the output's 2-norm. For one token and a matrix of 2- or 4-bit codes, the vector
     * levels round the scaled inputs to 16 bits of the largest in each block of columns: about 1e-4.
     */
    public void multiply(CpuMatrix matrix, FloatMatrix x, FloatMatrix y) {
        multiply(List.of(new Product(matrix, x, y)));
    }

    /** Several products in one go, cheaper than one after the other. No output may overlap an input or another output. */
    public void multiply(List<Product> products) {
        Arguments.requirePositive("the number of products", products.size());
        products.forEach(Product::requireUsable);
        Arguments.requireDisjoint(products);
        run("matrix product", products, () -> CpuLibrary.gatun_multiply(pool, structs(products), products.size()));
    }

    private MemorySegment structs(List<Product> products) {
        MemorySegment structs = scratch.of(products.size() * gatun_product.sizeof());
        for (int i = 0; i < products.size(); i++) {
            Product product = products.get(i);
            MemorySegment struct = gatun_product.asSlice(structs, i);
            gatun_product.matrix(struct, product.matrix().struct());
            gatun_product.x(struct, product.x().segment());
            gatun_product.y(struct, product.y().segment());
            gatun_product.ldx(struct, product.x().ld());
            gatun_product.ldy(struct, product.y().ld());
            gatun_product.tokens(struct, product.x().rows());
        }
        return structs;
    }

    /**
     * y[t] = row ids[t] of a dense table, widened to float32.
     *
     * @param ids y's rows as 32-bit integers, each a row of the table
     */
    public void embed(CpuMatrix table, MemorySegment ids, FloatMatrix y) {
        requireTable(table, y);
        Arguments.requireWords("ids", ids, y.rows());
        for (int t = 0; t < y.rows(); t++) {
            requireRow(table, ids.getAtIndex(ValueLayout.JAVA_INT, t));
        }
        run("embedding", table, () -> embedNow(table, ids, y));
    }

    /** y[t] = row ids[t] of a dense table, widened to float32. */
    public void embed(CpuMatrix table, int[] ids, FloatMatrix y) {
        requireTable(table, y);
        Arguments.requireEqual("the number of ids", ids.length, "the rows of y", y.rows());
        for (int id : ids) {
            requireRow(table, id);
        }
        run("embedding", table, () -> {
            MemorySegment copy = scratch.of((long) ids.length * Integer.BYTES);
            MemorySegment.copy(ids, 0, copy, ValueLayout.JAVA_INT, 0, ids.length);
            return embedNow(table, copy, y);
        });
    }

    private int embedNow(CpuMatrix table, MemorySegment ids, FloatMatrix y) {
        return CpuLibrary.gatun_embed(pool, table.struct(), ids, y.rows(), y.segment(), y.ld());
    }

    private static void requireTable(CpuMatrix table, FloatMatrix y) {
        requireDense("the table", table);
        Arguments.requireEqual("the columns of y", y.columns(), "those of the table", table.columns());
        y.requireWritable("y");
    }

    private static void requireRow(CpuMatrix table, int id) {
        if (id < 0 || id >= table.rows()) {
            throw new IllegalArgumentException("ids must lie in [0, " + table.rows() + "): " + id);
        }
    }

    private static void requireDense(String name, CpuMatrix matrix) {
        matrix.liveness().require(name);
        if (!matrix.isDense()) {
            throw new IllegalArgumentException(name + " must be dense: " + matrix);
        }
    }

    /**
     * y[t][k] = x[t][k] / sqrt(mean(x[t]&sup2;) + epsilon) &middot; weight[k]; y may be x itself.
     *
     * @param weight a dense matrix of one row
     */
    public void rmsNorm(CpuMatrix weight, float epsilon, FloatMatrix x, FloatMatrix y) {
        requireDense("the weight", weight);
        Arguments.requireEqual("the rows of the weight", weight.rows(), "one", 1);
        Arguments.requireEqual("the columns of x", x.columns(), "those of the weight", weight.columns());
        requireSameShape("x", x, y);
        if (!x.isSameAs(y)) {
            Arguments.requireDisjoint("x", x, "y", y);
        }
        run(
                "RMS norm",
                weight,
                () -> CpuLibrary.gatun_rms_norm(
                        pool, weight.struct(), epsilon, x.segment(), x.ld(), x.rows(), y.segment(), y.ld()));
    }

    /** y += x. */
    public void add(FloatMatrix x, FloatMatrix y) {
        requireSameShape("x", x, y);
        Arguments.requireDisjoint("x", x, "y", y);
        run(
                "sum",
                x,
                () -> CpuLibrary.gatun_add(pool, x.segment(), x.ld(), x.rows(), x.columns(), y.segment(), y.ld()));
    }

    private static void requireSameShape(String name, FloatMatrix x, FloatMatrix y) {
        Arguments.requireEqual("the columns of y", y.columns(), "those of " + name, x.columns());
        Arguments.requireEqual("the rows of y", y.rows(), "those of " + name, x.rows());
        x.requireReadable(name);
        y.requireWritable("y");
    }

    /**
     * Turns x in place by rotary position embedding, in Hugging Face's order: the pair (x[i], x[i + headSize / 2]) of each
     * head turns by (position + t) &middot; inverseFrequencies[i].
     *
     * @param x [tokens, heads &middot; headSize]
     * @param position the position of the first token
     * @param inverseFrequencies headSize / 2 values in float32, in radians per position
     */
    public void rope(FloatMatrix x, int heads, int headSize, long position, MemorySegment inverseFrequencies) {
        Arguments.requirePositive("heads", heads);
        Arguments.requirePositive("headSize", headSize);
        Arguments.requireMultiple("headSize", headSize, "the size of a pair", 2);
        Arguments.requireNotNegative("position", position);
        Arguments.requireEqual("the columns of x", x.columns(), "heads * headSize", (long) heads * headSize);
        Arguments.requireWords("inverseFrequencies", inverseFrequencies, headSize / 2);
        x.requireWritable("x");
        run(
                "rotary embedding",
                x,
                () -> CpuLibrary.gatun_rope(
                        pool, x.segment(), x.ld(), x.rows(), heads, headSize, position, inverseFrequencies));
    }

    /** Stores the keys and values [tokens, kvHeads &middot; headSize] of the tokens at {@code position} and after. */
    public void append(KeyValues kv, int position, FloatMatrix keys, FloatMatrix values) {
        Arguments.requireEqual("the columns of keys", keys.columns(), "kvHeads * headSize", kv.width());
        Arguments.requireEqual("the columns of values", values.columns(), "kvHeads * headSize", kv.width());
        Arguments.requireEqual("the rows of values", values.rows(), "those of keys", keys.rows());
        kv.requireRoom(position, keys.rows());
        keys.requireReadable("keys");
        values.requireReadable("values");
        run(
                "storing keys and values",
                kv,
                () -> CpuLibrary.gatun_kv_append(
                        pool,
                        kv.struct(),
                        position,
                        keys.rows(),
                        keys.segment(),
                        keys.ld(),
                        values.segment(),
                        values.ld()));
    }

    /**
     * Causal attention of grouped queries over stored keys and values: the query of token t stands at position + t and
     * sees the {@code window} positions up to its own, or all of them if that is 0; scores are scaled by 1 /
     * sqrt(headSize). The keys and values of all these positions must have been appended.
     *
     * @param heads heads of q, a multiple of those of keys and values
     * @param window positions seen, or 0
     * @param q queries [tokens, heads &middot; headSize]
     * @param y outputs of the same shape, apart from q
     */
    public void attend(KeyValues kv, int position, int heads, int window, FloatMatrix q, FloatMatrix y) {
        Arguments.requirePositive("heads", heads);
        Arguments.requireMultiple("heads", heads, "kvHeads", kv.kvHeads());
        Arguments.requireNotNegative("window", window);
        Arguments.requireEqual("the columns of q", q.columns(), "heads * headSize", (long) heads * kv.headSize());
        requireSameShape("q", q, y);
        Arguments.requireDisjoint("q", q, "y", y);
        kv.requireRoom(position, q.rows());
        run(
                "attention",
                kv,
                () -> CpuLibrary.gatun_attention(
                        pool,
                        kv.struct(),
                        position,
                        q.rows(),
                        heads,
                        window,
                        q.segment(),
                        q.ld(),
                        y.segment(),
                        y.ld()));
    }

    /**
     * Chooses experts: softmax over each token's logits, the topK largest (ties to the lower id), best first, their
     * weights renormalised to sum to 1.
     *
     * @param logits [tokens, experts]
     * @param ids output, tokens &middot; topK 32-bit integers
     * @param weights output, tokens &middot; topK values in float32
     * @throws NotANumberException if a token's logits have no softmax: NaN, or infinity where it matters
     */
    public void route(FloatMatrix logits, int topK, MemorySegment ids, MemorySegment weights) {
        Arguments.requirePositive("topK", topK);
        Arguments.requireAtMost("topK", topK, "the number of experts", logits.columns());
        logits.requireReadable("logits");
        requireRouting(logits.rows(), topK, ids, weights);
        Arguments.requireWritable("ids", ids);
        Arguments.requireWritable("weights", weights);
        Arguments.requireDisjoint("ids", ids, "weights", weights);
        Arguments.requireDisjoint("ids", ids, "logits", logits.segment());
        Arguments.requireDisjoint("weights", weights, "logits", logits.segment());
        run(
                "routing",
                logits,
                () -> CpuLibrary.gatun_route(
                        pool, logits.segment(), logits.ld(), logits.rows(), logits.columns(), topK, ids, weights));
    }

    private static void requireRouting(int tokens, int topK, MemorySegment ids, MemorySegment weights) {
        Arguments.requireWords("ids", ids, (long) tokens * topK);
        Arguments.requireWords("weights", weights, (long) tokens * topK);
    }

    /**
     * y[t] += &Sigma; weights[t][j] &middot; expert ids[t][j] (x[t]), summed in the order of the experts.
     *
     * @param x inputs [tokens, hidden]
     * @param ids tokens &middot; topK 32-bit integers, each an expert
     * @param weights tokens &middot; topK values in float32
     * @param y what the sums are added to, [tokens, hidden], apart from x
     */
    public void experts(
            CpuExperts experts, FloatMatrix x, MemorySegment ids, MemorySegment weights, int topK, FloatMatrix y) {
        Arguments.requirePositive("topK", topK);
        Arguments.requireAtMost("topK", topK, "the number of experts", experts.count());
        Arguments.requireEqual("the columns of x", x.columns(), "the hidden size", experts.hidden());
        requireSameShape("x", x, y);
        Arguments.requireDisjoint("x", x, "y", y);
        requireRouting(x.rows(), topK, ids, weights);
        requireExperts(experts, ids);
        run(
                "experts",
                experts,
                () -> CpuLibrary.gatun_experts(
                        pool,
                        experts.structs(),
                        experts.count(),
                        x.segment(),
                        x.ld(),
                        x.rows(),
                        ids,
                        weights,
                        topK,
                        y.segment(),
                        y.ld()));
    }

    private static void requireExperts(CpuExperts experts, MemorySegment ids) {
        experts.liveness().require("an expert");
        for (long i = 0; i < ids.byteSize() / Integer.BYTES; i++) {
            int id = ids.getAtIndex(ValueLayout.JAVA_INT, i);
            if (id < 0 || id >= experts.count()) {
                throw new IllegalArgumentException("experts must lie in [0, " + experts.count() + "): " + id);
            }
        }
    }

    /** y[t] += weights[t] &middot; expert(x[t]); see {@link #addExperts}. */
    public void addExpert(TiledExpert expert, FloatMatrix x, MemorySegment weights, FloatMatrix y) {
        addExperts(List.of(TiledWork.of(expert, x, weights, y)));
    }

    /** y[t] += weights[t] &middot; (slices from to to &minus; 1 of the expert)(x[t]); see {@link #addExperts}. */
    public void addExpert(TiledExpert expert, int from, int to, FloatMatrix x, MemorySegment weights, FloatMatrix y) {
        addExperts(List.of(new TiledWork(expert, from, to, x, weights, y)));
    }

    /**
     * Adds what some experts, or slices of them, make of their inputs, straight from their blocks; see {@link TiledWork}.
     * Together they take less time than one after the other.
     *
     * <p>Works are added in the order of the list, so that results do not depend on the number of threads, nor on which
     * works go together. Several may add to the same rows of y; else no output may overlap another output or an input. The
     * hidden size is that of all experts.
     *
     * <p>The vector levels round scales, inputs and each scaled input to 15 bits of the largest in a block of 1024 columns, in
     * {@link CpuTileFormat#Q2N} scales and inputs to those of the largest of 128 columns that share their second level, in
     * {@link CpuTileFormat#Q2} scaled inputs of w2 to those of the largest in their row, and sum exactly: an error of 1e-4 to
     * 4e-4 of the output's 2-norm where columns are alike. A token's result does not depend on the other tokens.
     */
    public void addExperts(List<TiledWork> works) {
        TiledWork.requireUsable(works);
        run("experts", works, () -> CpuLibrary.gatun_tiled_experts(pool, structsOf(works), works.size()));
    }

    private MemorySegment structsOf(List<TiledWork> works) {
        MemorySegment structs = scratch.of(works.size() * gatun_tiled_item.sizeof());
        for (int i = 0; i < works.size(); i++) {
            works.get(i).writeTo(gatun_tiled_item.asSlice(structs, i), level);
        }
        return structs;
    }

    /**
     * Has the other threads of the pool start on {@link #addExperts} and returns, so that the caller can do something else
     * before it works along in {@link #finish}. With one thread, {@code finish} does all.
     *
     * <p>The caller must call {@code finish}, whatever happens in between: until then operations and {@link #close} of other
     * threads wait, and those of this thread throw {@link IllegalStateException}. The works' memory must stay alive until
     * {@code finish} returns, and their outputs are not to be looked at before.
     */
    public void begin(List<TiledWork> works) {
        List<TiledWork> kept = List.copyOf(works);
        TiledWork.requireUsable(kept);
        boolean isBegun = false;
        turn.lock();
        try {
            requireOpen();
            CpuException.check(CpuLibrary.gatun_tiled_begin(pool, structsOf(kept), kept.size()), "start of experts");
            begun = kept;
            isBegun = true;
        } finally {
            if (!isBegun) {
                turn.unlock();
            }
        }
    }

    /**
     * Works along on what this thread began and returns when all of it is written.
     *
     * @throws IllegalStateException if this thread began nothing
     */
    public void finish() {
        if (!turn.isHeldByCurrentThread() || begun == null) {
            throw new IllegalStateException("this thread has begun nothing");
        }
        List<TiledWork> kept = begun;
        try {
            CpuException.check(CpuLibrary.gatun_tiled_finish(pool), "experts");
        } finally {
            begun = null;
            turn.unlock();
            Reference.reachabilityFence(kept);
        }
    }

    /**
     * Reads memory as fast as the threads can: the yardstick for all that is bound by reading weights.
     *
     * @param data memory outside the heap, a multiple of 8 bytes
     * @return the exclusive or of its 8-byte words
     */
    public long read(MemorySegment data) {
        Arguments.requirePositive("the bytes to read", data.byteSize());
        Arguments.requireMultiple("the bytes to read", data.byteSize(), "a word", Long.BYTES);
        Arguments.requireNative("data", data, data.byteSize());
        Liveness.require("data", data);
        turn.lock();
        try {
            requireOpen();
            MemorySegment checksum = scratch.of(Long.BYTES);
            CpuException.check(CpuLibrary.gatun_read(pool, data, data.byteSize(), checksum), "reading memory");
            return checksum.get(ValueLayout.JAVA_LONG, 0);
        } finally {
            turn.unlock();
        }
    }

    /** A call of the library; its return code. */
    @FunctionalInterface
    private interface Call {
        int code();
    }

    /** Takes a turn. The owner of the memory that native code reaches by pointers in structs is kept until it ends. */
    private void run(String operation, Object owner, Call call) {
        turn.lock();
        try {
            requireOpen();
            CpuException.check(call.code(), operation);
        } finally {
            turn.unlock();
            Reference.reachabilityFence(owner);
        }
    }

    private void requireOpen() {
        if (isClosed) {
            throw new IllegalStateException("the pool of threads is closed");
        }
        requireNothingBegun();
    }

    private void requireNothingBegun() {
        if (begun != null) {
            throw new IllegalStateException("this thread has begun experts that it has to finish first");
        }
    }

    /** Waits for the operation in flight and ends the threads. Calling it again does nothing. */
    @Override
    public void close() {
        turn.lock();
        try {
            requireNothingBegun();
            if (!isClosed) {
                isClosed = true;
                CpuLibrary.gatun_pool_destroy(pool);
            }
        } finally {
            turn.unlock();
        }
    }
}
