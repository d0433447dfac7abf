package dev.gatun.hub;

import dev.gatun.input.Quoted;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Where the hub and its cache are, by the environment variables that other programs read too.
 *
 * @param endpoint the hub's address: {@code HF_ENDPOINT}
 * @param cache the folder of downloaded models: {@code HF_HUB_CACHE}, or {@code hub} in {@code HF_HOME}
 * @param token opens private models: {@code HF_TOKEN}, or the file that logging in with other tools leaves
 * @param offline whether the network must not be used: {@code HF_HUB_OFFLINE}
 */
public record HubSettings(URI endpoint, Path cache, Optional<AccessToken> token, boolean offline) {
    private static final String USUAL_ENDPOINT = "https://huggingface.co";
    private static final Set<String> YES = Set.of("1", "ON", "YES", "TRUE");
    private static final int LONGEST_TOKEN = 10_000;

    /**
     * Reads the variables.
     *
     * @param environment as of {@link System#getenv()}
     * @param home the user's home folder
     * @throws HubException if an address or a token among them is unusable
     */
    public static HubSettings of(Map<String, String> environment, Path home) {
        Path root = folder(environment, home, "HF_HOME")
                .orElseGet(() -> folder(environment, home, "XDG_CACHE_HOME")
                        .orElse(home.resolve(".cache"))
                        .resolve("huggingface"));
        Path cache = Stream.of("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")
                .flatMap(name -> folder(environment, home, name).stream())
                .findFirst()
                .orElse(root.resolve("hub"));
        Path tokenFile = folder(environment, home, "HF_TOKEN_PATH").orElse(root.resolve("token"));
        String endpoint = given(environment, "HF_ENDPOINT").orElse(USUAL_ENDPOINT);
        return new HubSettings(address(endpoint), cache, token(environment, tokenFile), isOffline(environment));
    }

    /** The part of the endpoint that a token is bound to. */
    Origin origin() {
        return Origin.of(endpoint);
    }

    private static Optional<String> given(Map<String, String> environment, String name) {
        return Optional.ofNullable(environment.get(name)).map(String::strip).filter(value -> !value.isEmpty());
    }

    private static Optional<Path> folder(Map<String, String> environment, Path home, String name) {
        return given(environment, name)
                .map(value -> value.equals("~") || value.startsWith("~/") ? home + value.substring(1) : value)
                .map(Path::of);
    }

    private static boolean isOffline(Map<String, String> environment) {
        return given(environment, "HF_HUB_OFFLINE")
                .or(() -> given(environment, "TRANSFORMERS_OFFLINE"))
                .filter(value -> YES.contains(value.toUpperCase(Locale.ROOT)))
                .isPresent();
    }

    private static URI address(String text) {
        try {
            URI address = URI.create(text.replaceFirst("/+$", ""));
            boolean plain =
                    address.getUserInfo() == null && address.getQuery() == null && address.getFragment() == null;
            if (Origin.isHttp(address) && plain) {
                return address;
            }
        } catch (IllegalArgumentException unusable) {
            throw new HubException("HF_ENDPOINT: this is no address; it must look like " + USUAL_ENDPOINT, unusable);
        }
        throw new HubException("HF_ENDPOINT: this is no http address; it must look like " + USUAL_ENDPOINT);
    }

    private static Optional<AccessToken> token(Map<String, String> environment, Path file) {
        Optional<AccessToken> given = Stream.of("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
                .flatMap(name -> given(environment, name).map(text -> AccessToken.of(text, name)).stream())
                .findFirst();
        return given.or(() -> stored(file));
    }

    private static Optional<AccessToken> stored(Path file) {
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        try {
            String text = Files.size(file) > LONGEST_TOKEN ? "" : Files.readString(file);
            return text.isBlank() ? Optional.empty() : Optional.of(AccessToken.of(text, Quoted.of(file)));
        } catch (IOException unreadable) {
            throw new HubException(Quoted.of(file) + ": the token in it cannot be read", unreadable);
        }
    }
}
