addr_ton_name_map: dict[str, int]
addr_npi_name_map: dict[str, int]
message_state_value_map: dict[int, str]
