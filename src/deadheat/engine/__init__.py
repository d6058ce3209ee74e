"""Plans and runs: the flow from source to findings. Tells typed events; decides nothing visual."""
