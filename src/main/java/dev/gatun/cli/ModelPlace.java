package dev.gatun.cli;

import dev.gatun.GatunException;
import dev.gatun.hub.HubCache;
import dev.gatun.hub.HubException;
import dev.gatun.hub.HubSettings;
import dev.gatun.hub.ModelReference;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where the model lies that someone names: a folder, or OWNER/NAME of a hub, which was downloaded before. */
final class ModelPlace {
    private ModelPlace() {}

    /**
     * The folder itself; or, when there is none of this name, that of the hub's cache. The network is not used.
     *
     * @throws GatunException if it is spelled as a hub's model, but is not in the cache
     */
    static Path of(Path named) {
        if (Files.exists(named)) {
            return named;
        }
        return ModelReference.ifSpelled(named.toString())
                .map(ModelPlace::cached)
                .orElse(named);
    }

    private static Path cached(ModelReference model) {
        HubCache cache = cache();
        return cache.find(model)
                .orElseThrow(
                        () -> new GatunException("model: " + model + " is neither a folder nor in the hub's cache `"
                                + cache.root() + "`; download it with: gatun pull " + model));
    }

    private static HubCache cache() {
        try {
            return new HubCache(settings().cache());
        } catch (HubException unusable) {
            throw new GatunException(unusable.getMessage(), unusable);
        }
    }

    /** What the environment says about the hub. */
    static HubSettings settings() {
        return HubSettings.of(System.getenv(), Path.of(System.getProperty("user.home")));
    }
}
