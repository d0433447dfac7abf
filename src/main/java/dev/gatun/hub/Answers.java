package dev.gatun.hub;

import dev.gatun.input.Quoted;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Optional;

/** What a server's refusals mean to someone who wants a model. */
final class Answers {
    private final HubSettings settings;
    private final ModelReference model;

    Answers(HubSettings settings, ModelReference model) {
        this.settings = settings;
        this.model = model;
    }

    /**
     * Lets 200 and 206 pass.
     *
     * @throws TransientException if asking again may help
     * @throws HubException if it will not
     */
    void require(URI asked, int status, HttpHeaders headers) throws TransientException {
        if (status == 200 || status == 206) {
            return;
        }
        boolean hub = Origin.of(asked).equals(settings.origin());
        boolean busy = status == 408 || status == 429 || status >= 500;
        // An address that the hub redirected to is valid for some time only: the hub is asked for another.
        if (busy || !hub) {
            throw new TransientException(
                    Quoted.of(asked.getHost()) + " answers " + status + meaning(status), pause(headers));
        }
        throw new HubException(model + ": "
                + refusal(status, headers.firstValue("X-Error-Code").orElse("")));
    }

    private String meaning(int status) {
        boolean limited = status == 429;
        String advice = settings.token().isPresent() ? "" : "; with HF_TOKEN set it may allow more";
        return limited ? " (too many requests" + advice + ")" : "";
    }

    private String refusal(int status, String code) {
        return switch (status) {
            case 401 ->
                settings.token().isPresent()
                        ? "the hub does not accept the token (401); check HF_TOKEN, and the model's name"
                        : "the hub does not show this model to everyone, or has none of this name (401); check the name, or"
                                + " set HF_TOKEN";
            case 403 ->
                "the hub allows no access (403); ask for it at " + settings.endpoint() + "/" + model.id()
                        + (settings.token().isPresent() ? "" : ", and set HF_TOKEN");
            case 404 ->
                code.equals("RevisionNotFound")
                        ? "the hub has this model, but no such revision (404); check what follows the @"
                        : "the hub has no such model or revision (404); check the name";
            case 416 -> "the file is shorter than the hub lists it (416); run the command again";
            default -> "the hub answers " + status + "; check the name, and HF_ENDPOINT if it is set";
        };
    }

    /** Seconds, or a date. */
    private static Optional<Duration> pause(HttpHeaders headers) {
        return headers.firstValue("Retry-After").flatMap(Answers::duration);
    }

    private static Optional<Duration> duration(String text) {
        if (text.matches("\\d{1,9}")) {
            return Optional.of(Duration.ofSeconds(Long.parseLong(text)));
        }
        try {
            Instant then = ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME)
                    .toInstant();
            Duration left = Duration.between(Instant.now(), then);
            return Optional.of(left.isNegative() ? Duration.ZERO : left);
        } catch (DateTimeException unreadable) {
            return Optional.empty();
        }
    }
}
