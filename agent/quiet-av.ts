import { AV_LOG_QUIET, Log } from "node-av";

Log.setLevel(AV_LOG_QUIET); // FFmpeg writes to stderr per frame otherwise; what matters comes back as an error
