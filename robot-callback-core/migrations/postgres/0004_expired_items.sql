-- Whether a report's item was closed by its deadline is asked for each report, and hardly any was.
CREATE INDEX item_state_expired ON robot_callback.item_state (item_id) WHERE expired;
