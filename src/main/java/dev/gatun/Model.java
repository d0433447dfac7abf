package dev.gatun;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.CheckpointException;
import dev.gatun.cuda.CudaException;
import dev.gatun.engine.Backend;
import dev.gatun.engine.ForwardPass;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.Logits;
import dev.gatun.hub.HubCache;
import dev.gatun.offload.PlanException;
import dev.gatun.text.ChatFormat;
import dev.gatun.text.TextException;
import dev.gatun.text.Tokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;

/**
 * An open model. Make sessions from it and generate:
 *
 * <pre>{@code
 * try (Model model = Model.open(Path.of("my-model"));
 *         Session session = model.newSession()) {
 *     GenerationOptions options = model.defaultOptions().withMaxTokens(100);
 *     session.generate("Once upon a time", options, token -> System.out.print(token.text()));
 * }
 * }</pre>
 *
 * <ul>
 *   <li><b>JVM flag</b>: the runtime calls native code; run with {@code --enable-native-access=dev.gatun} (or
 *       {@code ALL-UNNAMED} on the class path), or the JVM prints a warning.
 *   <li><b>Threads</b>: a model may be shared between threads. Sessions may generate at the same time; the model
 *       serialises their forward passes, first come, first served. {@link ModelOptions#threads} is the size of the one
 *       pool that all of them use.
 *   <li><b>Memory</b>: weights are mapped from the files, not copied. Do not truncate or overwrite the files while the
 *       model is open. Each session takes {@link Session#keyValueBytes()} more.
 *   <li><b>Closing</b> cancels what is being generated, closes all sessions, and unmaps the files.
 * </ul>
 */
public final class Model implements AutoCloseable {
    private final Path directory;
    private final Checkpoint checkpoint;
    private final Tokenizer tokenizer;
    private final Optional<ChatFormat> chatFormat;
    private final Backend backend;
    private final BackendChoice choice;
    private final ForwardPass pass;
    private final Set<Session> sessions = ConcurrentHashMap.newKeySet();
    // Fair, so that of several sessions each gets its turn.
    private final ReentrantLock forwarding = new ReentrantLock(true);
    // Held while closing. It is taken first, then a session's own, then that of forward passes.
    private final ReentrantLock closing = new ReentrantLock();
    // Written once, under the lock of forward passes: the backend tells of routing from then on.
    private Optional<RoutingTap> tap = Optional.empty();
    // Written under the lock of forward passes: another one when a session wants guesses for more layers ahead.
    private Optional<GuessTap> guessTap = Optional.empty();
    private boolean closed;

    private Model(
            Path directory,
            Checkpoint checkpoint,
            Tokenizer tokenizer,
            Optional<ChatFormat> chatFormat,
            OpenedBackend opened) {
        this.directory = directory;
        this.checkpoint = checkpoint;
        this.tokenizer = tokenizer;
        this.chatFormat = chatFormat;
        this.backend = opened.backend();
        this.choice = opened.choice();
        this.pass = new ForwardPass(backend, checkpoint.config().layers());
    }

    /** Opens a model with {@link ModelOptions#defaults()}. */
    public static Model open(Path directory) {
        return open(directory, ModelOptions.defaults());
    }

    /**
     * Opens a model folder: Hugging Face Mixtral (bf16, fp16, fp32), the published offloading checkpoint's layout, or Gatun's
     * own format.
     *
     * @param directory holds {@code config.json}, {@code tokenizer.json} and safetensors files
     * @throws GatunException if it is no model that Gatun can run, or the backend asked for cannot be used; nothing stays
     *     open then
     */
    public static Model open(Path directory, ModelOptions options) {
        return open(directory, options, LoadingListener.NONE);
    }

    /** Opens a model folder as {@link #open(Path, ModelOptions)} does, and tells how far loading is. */
    public static Model open(Path directory, ModelOptions options, LoadingListener listener) {
        return open(ModelSource.of(directory), options, listener);
    }

    /** Opens a model as {@link #open(Path, ModelOptions)} does, from wherever its parts lie, and tells how far loading is. */
    public static Model open(ModelSource source, ModelOptions options, LoadingListener listener) {
        try {
            Checkpoint checkpoint = Checkpoint.open(source.forCheckpoint());
            try {
                return open(source.weights(), checkpoint, options, listener);
            } catch (RuntimeException | Error failure) {
                checkpoint.close();
                throw failure;
            }
        } catch (CheckpointException | TextException unusable) {
            throw new GatunException(unusable.getMessage(), unusable);
        }
    }

    private static Model open(Path directory, Checkpoint checkpoint, ModelOptions options, LoadingListener listener) {
        Path config = checkpoint.configDirectory();
        Tokenizer tokenizer = Tokenizer.load(config.resolve("tokenizer.json"));
        int rows = checkpoint.config().vocabularySize();
        if (tokenizer.vocabularySize() > rows) {
            throw new GatunException("`" + config + "`: tokenizer.json has " + tokenizer.vocabularySize()
                    + " tokens, but config.json's vocab_size is " + rows + "; they belong to different models");
        }
        Optional<ChatFormat> chatFormat = ChatFormat.read(config);
        return new Model(
                directory, checkpoint, tokenizer, chatFormat, OpenedBackend.open(checkpoint, options, listener));
    }

    /** The folder's name; {@code OWNER/NAME} for one in a hub's cache. */
    public String name() {
        return HubCache.modelName(directory);
    }

    /** The layout, precision and size of the weights, in a few words. */
    public String description() {
        return checkpoint.description();
    }

    /** Where the model runs, and why there. */
    public BackendChoice backend() {
        return choice;
    }

    /** The most tokens that a session of this model can hold. */
    public int maxContextLength() {
        return checkpoint.config().maxPositions();
    }

    /** Layers of the model, each with its own experts. */
    public int layers() {
        return checkpoint.config().layers();
    }

    /** Experts of each layer. */
    public int expertsPerLayer() {
        return checkpoint.config().experts();
    }

    /** Experts that each layer chooses for a token. */
    public int expertsPerToken() {
        return checkpoint.config().expertsPerToken();
    }

    /**
     * Whether a {@link RoutingListener} can hear what routers would choose layers ahead: on the CPU it can, where a GPU
     * keeps its guesses to itself.
     */
    public boolean canGuessRouting() {
        return backend.canGuess();
    }

    /** Whether {@link Session#chat} works: the model has a chat template. */
    public boolean hasChatTemplate() {
        return chatFormat.isPresent();
    }

    /**
     * What the model's authors recommend in {@code generation_config.json}, and Gatun's own values for the rest. A model
     * whose authors switch sampling off ({@code "do_sample": false}) gets temperature 0.
     */
    public GenerationOptions defaultOptions() {
        return Sampling.defaults(checkpoint.generationDefaults());
    }

    /** How many tokens {@code text} is, without a beginning-of-text token. */
    public int countTokens(String text) {
        return tokenizer.encode(text).length;
    }

    /**
     * Measures how well the model predicts a text; takes the memory of a session with as long a context as the window.
     *
     * @param text at least two tokens
     * @param listener hears of each window, on this thread
     * @throws GatunException if the text is too short, the window longer than the model's context, the stride longer than
     *     the window, or the weights are damaged
     * @throws IllegalStateException if the model is closed, or is closed meanwhile
     */
    public Perplexity perplexity(String text, PerplexityOptions options, PerplexityListener listener) {
        return new Evaluation(this, options).run(text, listener);
    }

    /** Opens a session with {@link SessionOptions#defaults()}. */
    public Session newSession() {
        return newSession(SessionOptions.defaults());
    }

    /**
     * Opens a session; its key/value memory is taken now.
     *
     * @throws GatunException if the context is longer than the model's, or does not fit the memory, or what
     *     {@link ModelOptions#contextLength} planned of it for the keys and values of all open sessions; or if the routing
     *     listener wants guesses, and {@link #canGuessRouting} is false
     * @throws IllegalStateException if the model is closed
     */
    public Session newSession(SessionOptions options) {
        int context = contextLength(options);
        KvPrecision precision = options.keyValueBits() == 32 ? KvPrecision.F32 : KvPrecision.F16;
        forwarding.lock();
        try {
            if (closed) {
                throw new IllegalStateException("the model is closed");
            }
            long bytes = precision.cacheBytes(checkpoint.config(), context);
            Optional<RoutingListener> listener = options.routingListener().map(this::listenToRouting);
            KvCache cache = newCache(context, precision, bytes);
            Session session = new Session(this, cache, context, bytes, listener);
            sessions.add(session);
            return session;
        } finally {
            forwarding.unlock();
        }
    }

    /** Returns a listener that hears no more than {@code listener} wants, whatever other sessions want. */
    private RoutingListener listenToRouting(RoutingListener listener) {
        int layersAhead = guessedLayers(listener.layersAhead());
        if (tap.isEmpty()) {
            RoutingTap added = new RoutingTap(layers());
            backend.observe(added);
            tap = Optional.of(added);
        }
        if (layersAhead > guessTap.map(GuessTap::layersAhead).orElse(0)) {
            GuessTap added = new GuessTap(layers(), layersAhead);
            backend.observeGuesses(added, layersAhead);
            guessTap = Optional.of(added);
        }
        return tokens -> listener.routed(tokens.guessedAtMost(layersAhead));
    }

    /**
     * How many layers ahead can be guessed of those that somebody wants.
     *
     * @throws GatunException if it is none, and some are wanted
     */
    int guessedLayers(int wanted) {
        if (wanted < 0) {
            throw new GatunException("guesses: " + wanted + " layers ahead is negative");
        }
        if (wanted > 0 && !canGuessRouting()) {
            throw new GatunException(
                    "guesses: " + choice.name() + " does not tell what routers would choose layers ahead; use the CPU");
        }
        return Math.min(wanted, layers() - 1);
    }

    private KvCache newCache(int context, KvPrecision precision, long bytes) {
        try {
            return backend.newKvCache(context, precision);
        } catch (CudaException failure) {
            throw failure.isOutOfMemory()
                    ? noRoom(context, bytes, failure)
                    : new GatunException("context: " + failure.getMessage(), failure);
        } catch (PlanException beyondBudget) {
            throw new GatunException(beyondBudget.getMessage(), beyondBudget);
        } catch (OutOfMemoryError full) {
            throw noRoom(context, bytes, full);
        }
    }

    private static GatunException noRoom(int context, long bytes, Throwable cause) {
        return new GatunException(
                "context: the keys and values of " + context + " tokens need " + (bytes >> 20)
                        + " MiB, which cannot be had; choose a shorter context",
                cause);
    }

    private int contextLength(SessionOptions options) {
        int longest = maxContextLength();
        if (options.contextLength() > longest) {
            throw new GatunException(
                    "context length: " + options.contextLength() + " is more than this model's " + longest);
        }
        return options.contextLength() > 0
                ? options.contextLength()
                : Math.min(longest, SessionOptions.DEFAULT_CONTEXT);
    }

    /**
     * Cancels all generations, closes all sessions, frees the backend, unmaps the files. Idempotent; a second caller waits
     * for the first.
     */
    @Override
    public void close() {
        closing.lock();
        try {
            if (refuseSessions()) {
                sessions.forEach(Session::cancel);
                closeAll();
            }
        } finally {
            closing.unlock();
        }
    }

    /** Whatever fails, the rest is closed. */
    private void closeAll() {
        try {
            try {
                List.copyOf(sessions).forEach(Session::close);
            } finally {
                backend.close();
            }
        } finally {
            checkpoint.close();
        }
    }

    private boolean refuseSessions() {
        forwarding.lock();
        try {
            boolean wasOpen = !closed;
            closed = true;
            return wasOpen;
        } finally {
            forwarding.unlock();
        }
    }

    /** Forgets a session that is closed and frees its cache: between forward passes, as every call of the backend. */
    void forget(Session session, KvCache cache) {
        sessions.remove(session);
        forwarding.lock();
        try {
            cache.close();
        } finally {
            forwarding.unlock();
        }
    }

    /**
     * Appends one chunk to a sequence.
     *
     * @param choice is given the logits of the chunk's last token, which are valid until it returns; awaits them
     * @param cost is given what fetching experts cost, if the backend does that
     * @param routing is given what the routers chose, if someone listens to that
     * @return what {@code choice} returns; if it throws, the sequence is as it was
     */
    int forward(
            int[] tokens,
            KvCache cache,
            ToIntFunction<Logits> choice,
            Consumer<OffloadStatistics> cost,
            Optional<Consumer<RoutedTokens>> routing) {
        forwarding.lock();
        try {
            int position = cache.length();
            OffloadMeter meter = OffloadMeter.start(backend);
            int chosen = forwardOrRestore(tokens, cache, 1, choice);
            Optional<OffloadStatistics> offload = meter.read();
            offload.ifPresent(cost);
            routing.ifPresent(hearing -> hearing.accept(routed(position, tokens.length, offload)));
            return chosen;
        } finally {
            forwarding.unlock();
        }
    }

    private RoutedTokens routed(int position, int tokens, Optional<OffloadStatistics> offload) {
        Optional<RoutedGuesses> guesses = guessTap.map(hearing -> hearing.take(tokens));
        return tap.orElseThrow().take(position, tokens, guesses, offload);
    }

    /**
     * Appends one chunk to a sequence.
     *
     * @param rows how many of its last tokens logits are wanted for
     * @return rows &middot; vocabulary logits; if it throws, the sequence is as it was
     */
    float[] logits(int[] tokens, KvCache cache, int rows) {
        float[] target = new float[Math.multiplyExact(rows, vocabularySize())];
        forwarding.lock();
        try {
            forwardOrRestore(tokens, cache, rows, logits -> {
                backend.await(logits, target);
                return rows;
            });
            return target;
        } finally {
            forwarding.unlock();
        }
    }

    private int forwardOrRestore(int[] tokens, KvCache cache, int rows, ToIntFunction<Logits> choice) {
        int before = cache.length();
        try {
            return choice.applyAsInt(pass.run(tokens, cache, rows));
        } catch (RuntimeException | Error failure) {
            // It may have been known only after the chunk was committed.
            cache.truncate(before);
            throw failure;
        }
    }

    Backend runningBackend() {
        return backend;
    }

    ForwardPass pass() {
        return pass;
    }

    Tokenizer tokenizer() {
        return tokenizer;
    }

    /** Tokens of the vocabulary: their ids are below. */
    public int vocabularySize() {
        return checkpoint.config().vocabularySize();
    }

    boolean endsText(int token) {
        return checkpoint.generationDefaults().endTokens().contains(token);
    }

    int[] encode(String text) {
        return tokenizer.encode(text);
    }

    int[] encodeBeginning(String text) {
        return tokenizer.encodeWithBos(text);
    }

    ChatFormat chatFormat() {
        return chatFormat.orElseThrow(() -> new GatunException("chat: `" + checkpoint.configDirectory()
                + "` has no chat template in tokenizer_config.json; give it a plain prompt"));
    }
}
