"""JavaScript for the notebook's page."""

# Waits for the kernel, runs every cell, and returns the traceback of the first one that failed, or "".
RUN_ALL_CELLS = """async () => {
    const panel = window.jupyterapp.shell.currentWidget;
    await panel.context.ready;
    await panel.sessionContext.ready;
    while (panel.sessionContext.session?.kernel?.status !== 'idle') await new Promise(r => setTimeout(r, 50));
    await window.jupyterapp.commands.execute('notebook:run-all-cells');
    for (const cell of panel.context.model.toJSON().cells)
        for (const output of cell.outputs ?? [])
            if (output.output_type === 'error') return output.traceback.join('\\n');
    return '';
}"""

RUN_IN_KERNEL = """async (code) => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const future = kernel.requestExecute({code, store_history: false, stop_on_error: false});
    const printed = [];
    future.onIOPub = message => {
        if (message.header.msg_type === 'stream' && message.content.name === 'stdout')
            printed.push(message.content.text);
    };
    const {status, traceback} = (await future.done).content;
    return [printed.join(''), status === 'ok' ? '' : (traceback ?? [status]).join('\\n')];
}"""

# Runs before the page's own scripts. `watch` times one move at a time: from the event to the frame in which the new
# picture is painted. `blobUrls` holds the blob URLs that were made and not yet revoked.
TOOLS = """(() => {
    const create = URL.createObjectURL.bind(URL), revoke = URL.revokeObjectURL.bind(URL);
    window.blobUrls = new Set();
    URL.createObjectURL = blob => { const url = create(blob); window.blobUrls.add(url); return url; };
    URL.revokeObjectURL = url => { window.blobUrls.delete(url); revoke(url); };

    const painted = () => new Promise(done => requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => done(performance.now());
        channel.port2.postMessage(0);
    }));
    // a new picture arrives out of sight: until it is turned to. To look has the browser lay out the page, so that it
    // is done once all is written that one event writes
    const shown = async picture => {
        await null;
        while (picture.isConnected && !picture.getClientRects().length) await new Promise(requestAnimationFrame);
    };
    const watch = window.watch = {pictures: [], moves: 0, lastMove: 0};
    // calls seen(element) when an element in `root` that matches `selector` gets a new source, comes, or is painted
    watch.observe = (root, selector, seen) => {
        const painted = ({target, detail}) => target.matches(selector) && seen(target, detail);
        const observer = new MutationObserver(records => {
            for (const {type, target, addedNodes} of records) {
                if (type === 'attributes') {
                    if (target.matches(selector) && target.getAttribute('src') !== '') return seen(target); }
                else for (const node of addedNodes) {
                    const found = node.querySelector && (node.matches(selector) ? node : node.querySelector(selector));
                    if (found && (found.tagName !== 'IMG' || found.src)) return seen(found);
                }
            }
        });
        observer.observe(root, {subtree: true, childList: true, attributes: true, attributeFilter: ['href', 'src']});
        root.addEventListener('cnnwidgets:painted', painted);
        return {disconnect: () => {
            observer.disconnect();
            root.removeEventListener('cnnwidgets:painted', painted);
        }};
    };
    // times the next key press, or event of another kind; `watch.result` is the promise of its milliseconds
    watch.key = (root, selector, kind = 'keydown') => {
        let start;
        const pressed = event => { start = event.timeStamp; };
        document.addEventListener(kind, pressed, {capture: true, once: true});
        watch.result = new Promise(done => {
            const observer = watch.observe(document.querySelector(root), selector, async picture => {
                observer.disconnect();
                const changed = performance.now();
                await shown(picture);
                await picture.decode?.().catch(() => {});
                const decoded = performance.now();
                const end = await painted();
                done({total: end - start, changed: changed - start, decoded: decoded - start});
            });
        });
        setTimeout(() => document.removeEventListener(kind, pressed, true), 30000);
    };
    // keeps the time of every frame that has new pictures, with the channel that the page painted large in it, and the
    // values that a slider takes, until the next call
    watch.drag = (root, selector, handle) => {
        watch.observer?.disconnect();
        watch.sliding?.disconnect();
        watch.pictures = [];
        watch.values = [];
        watch.moves = 0;
        if (handle) {
            watch.sliding = new MutationObserver(() => watch.values.push(handle.getAttribute('aria-valuenow')));
            watch.sliding.observe(handle, {attributes: true, attributeFilter: ['aria-valuenow']});
        }
        let frame = null, channel;
        watch.channels = [];
        watch.observer = watch.observe(document.querySelector(root), selector, async (picture, detail) => {
            await shown(picture);
            if (detail?.role === 'map') channel = detail.channel;
            if (frame) return; // those of one state are painted in one frame
            frame = painted();
            watch.pictures.push(await frame);
            watch.channels.push(channel);
            frame = null;
        });
    };
    window.addEventListener('mousemove', event => { // ahead of bqplot's drag, which stops it there
        if (event.buttons) { watch.lastMove = event.timeStamp; watch.moves += 1; }
    }, true);
    // SHA-256 of a picture's file, in hexadecimal digits
    watch.sha256 = async picture => {
        const file = await (await fetch(picture.href?.baseVal ?? picture.src)).arrayBuffer();
        const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', file));
        return [...digest].map(byte => byte.toString(16).padStart(2, '0')).join('');
    };
    // the widget manager is private to JupyterLab's renderer, so a renderer is asked for it
    watch.manager = async () => {
        const rendermime = window.jupyterapp.shell.currentWidget.content.rendermime;
        const renderer = rendermime.createRenderer('application/vnd.jupyter.widget-view+json');
        const manager = await renderer._manager.promise;
        renderer.dispose();
        return manager;
    };
})()"""

# Gives the picture whose file has this SHA-256, and the one it takes turns with, the class `the-grid`.
MARK_PICTURE = """async sha256 => {
    for (const picture of document.querySelectorAll('.cnnw img, .cnnw .bqplot image'))
        if (await watch.sha256(picture) === sha256) {
            const turns = picture.closest('.cnnw-figure')?.querySelectorAll('img.cnnw-pixels') ?? [picture];
            turns.forEach(each => each.classList.add('the-grid'));
            return true;
        }
    return false;
}"""
